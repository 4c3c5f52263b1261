// `callflow check-config`.

import ArgumentParser
import Service

struct CheckConfig: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "check-config", abstract: "Validate every setting and print what is in force.",
    discussion: "Ends with 78 where something is wrong, and shows all of it at once.")

  @OptionGroup var options: ConfigurationOptions

  @Flag(help: "Prove the object store too: write, read, list, conditional write by 8 at once, delete.")
  var online = false

  func run() async throws {
    let settings = try options.settings()
    CommandSetup.show(ConfigurationCheck.report(settings))
    if online { try await ConfigurationCheck.online(settings, print: CommandSetup.show) }
  }
}
