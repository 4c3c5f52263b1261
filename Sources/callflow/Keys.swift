// `callflow keys create`, `list` and `revoke`.

import ArgumentParser
import Service

struct Keys: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Create, list and revoke API keys.", subcommands: [Create.self, List.self, Revoke.self])

  struct Create: AsyncParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Make a key and print it, once: only its hash is kept.")

    @OptionGroup var options: ConfigurationOptions

    @Option(help: "What the key is called in logs and lists: 1 to 64 of A-Z a-z 0-9 . _ -")
    var name: String

    @Option(help: "Comma-separated. Default: events:write,events:read.")
    var scopes: String?

    @Option(help: "After how long the key ends, such as 90d. Default: never.")
    var expires: String?

    @Option(help: "Requests a second (not yet supported in this version).")
    var rate: Int?

    @Option(help: "Requests at once (not yet supported in this version).")
    var burst: Int?

    @Flag(help: "A key for SigV4 (not yet supported in this version).")
    var sigv4 = false

    func validate() throws {
      if sigv4 { throw ValidationError("--sigv4 is not yet supported in this version") }
      if rate != nil || burst != nil {
        throw ValidationError("--rate and --burst are not yet supported in this version")
      }
    }

    func run() async throws {
      var request = KeyTool.Request(name: name)
      request.scopes = scopes?.split(separator: ",").map(String.init) ?? []
      request.expires = expires
      CommandSetup.show(try await KeyTool.create(request, options.settings()))
    }
  }

  struct List: AsyncParsableCommand {
    static let configuration = CommandConfiguration(abstract: "List the keys; never their secrets.")

    @OptionGroup var options: ConfigurationOptions

    func run() async throws {
      for line in try await KeyTool.list(options.settings()) { CommandSetup.show(line) }
    }
  }

  struct Revoke: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Revoke a key. Running nodes refuse it within two seconds.")

    @OptionGroup var options: ConfigurationOptions

    @Argument(help: "The key's name.")
    var name: String

    func run() async throws {
      try await KeyTool.revoke(name, options.settings())
      CommandSetup.show("revoked \(name)")
    }
  }
}
