// What the commands of the executable share: settings from the usual sources, and a log for the time of the command.

import EventLoop
import Glibc
import Logging
import Observability
import Primitives

package enum CommandSetup {
  /// Prints warnings to standard error; throws `.misconfigured` with all problems, a line each.
  package static func settings(_ sources: SettingsSources) throws(ServiceFailure) -> Settings {
    do {
      let (settings, warnings) = try SettingsLoader.load(sources)
      for warning in warnings { say("warning: \(warning)") }
      return settings
    } catch {
      throw .misconfigured(error.description)
    }
  }

  /// A line on standard error.
  package static func say(_ text: String) { write(text, to: STDERR_FILENO) }

  /// A line on standard output, at once.
  package static func show(_ text: String) { write(text, to: STDOUT_FILENO) }

  /// Output that nobody takes is given up: there is nowhere left to say so.
  private static func write(_ text: String, to descriptor: Int32) {
    var rest = Array(text.utf8)[...]
    if rest.last != 0x0A { rest.append(0x0A) }
    while !rest.isEmpty {
      let count = rest.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
      guard count >= 0 || errno == EINTR else { return }
      rest = rest.dropFirst(max(count, 0))
    }
  }

  /// The whole life of `serve`, its log included.
  package static func serve(_ sources: SettingsSources) async throws(ServiceFailure) {
    let settings = try Self.settings(sources)
    signal(SIGPIPE, SIG_IGN)
    let registry = MetricRegistry()
    let sink = LogSink(descriptor: STDOUT_FILENO, metrics: registry)
    defer { sink.close(within: .seconds(2)) }
    let output = LogOutput(
      sink: sink, format: settings.logFormat, level: settings.logLevel, clock: SystemClock())
    do {
      try await Service(sources: sources, settings: settings, output: output, registry: registry).run()
    } catch {
      output.logger("server").error("the service cannot run", metadata: ["reason": "\(error)"])
      throw .reported(error.exitStatus)
    }
  }

  /// Lends one event loop, for commands that speak to a server or the store.
  package static func withLoops<Result>(
    _ body: (EventLoopGroup) async throws -> Result
  ) async throws -> Result {
    let group = try EventLoopGroup(count: 1, name: "command")
    do {
      let result = try await body(group)
      group.stop()
      return result
    } catch {
      group.stop()
      throw error
    }
  }
}
