// `callflow verify`.

import ArgumentParser
import Service

struct Verify: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Try a running service: health, refusal without a key, store, read back, metrics.",
    discussion: """
      A line a check; ends with 1 where one failed. The key is taken from CALLFLOW_KEY or --key-file, never from the \
      command line. Stores one event of a call of its own.
      """)

  @OptionGroup var options: ConfigurationOptions

  @Option(help: "Where the service is. Default: CALLFLOW_URL, else http.listen.")
  var url: String?

  @Option(help: "File with an API key of scopes events:write and events:read. Default: CALLFLOW_KEY.")
  var keyFile: String?

  @Option(help: "Instead of all that: prove that one event's bytes are in the object store.")
  var receipt: String?

  func run() async throws {
    let access = try ServiceAccess(
      url: url, keyFile: keyFile, environment: ProcessEnvironment.all, settings: options.settings())
    guard try await access.verify(receipt: receipt, print: CommandSetup.show) else { throw ExitCode.failure }
  }
}
