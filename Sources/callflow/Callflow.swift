// The program: its commands, and the exit statuses of CONTRACT 1 (0 done, 1 failed, 2 usage, 78 bad configuration).

import ArgumentParser
import Glibc
import Service

struct Callflow: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "callflow",
    abstract: "HTTP event service for telephony, with any S3-compatible bucket as its storage.",
    subcommands: [Serve.self, CheckConfig.self, Keys.self, Verify.self, Health.self, Inspect.self, Version.self],
    defaultSubcommand: Serve.self)
}

@main
enum Main {
  private static let usageStatus: Int32 = 2

  static func main() async {
    do {
      var command = try Callflow.parseAsRoot()
      if var command = command as? any AsyncParsableCommand { try await command.run() } else { try command.run() }
    } catch {
      end(error)
    }
    exit(0)
  }

  private static func end(_ error: any Error) -> Never {
    if let failure = error as? ServiceFailure {
      if !failure.description.isEmpty { CommandSetup.say(failure.description) }
      exit(failure.exitStatus)
    }
    // ArgumentParser's own: help goes to standard output, everything else is usage.
    let status = Callflow.exitCode(for: error)
    let message = Callflow.fullMessage(for: error)
    if status.isSuccess {
      CommandSetup.show(message)
      exit(0)
    }
    if !message.isEmpty { CommandSetup.say(message) }
    exit(status == .validationFailure ? usageStatus : 1)
  }
}
