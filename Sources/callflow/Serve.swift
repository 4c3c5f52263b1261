// `callflow serve`.

import ArgumentParser
import Service

struct Serve: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Run the service (the default command).",
    discussion: "TERM and INT drain and stop; HUP reads the configuration and the API keys again.")

  @OptionGroup var options: ConfigurationOptions

  func run() async throws { try await CommandSetup.serve(options.sources) }
}
