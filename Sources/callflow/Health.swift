// `callflow health`.

import ArgumentParser
import Service

struct Health: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Ask the admin listener whether the node is ready: status 0, else 1. Needs no key.")

  @OptionGroup var options: ConfigurationOptions

  func run() async throws {
    let (text, isReady) = try await HealthProbe.run(options.settings())
    CommandSetup.show(text)
    if !isReady { throw ExitCode.failure }
  }
}
