// Where `verify` finds the service and its key.

import API
import EventLoop

package struct ServiceAccess: Sendable {
  private let url: String
  private let key: String?
  private let basePath: String

  /// Flags win over `CALLFLOW_URL` and `CALLFLOW_KEY`; without a URL the first address of `http.listen` is asked.
  package init(
    url: String?, keyFile: String?, environment: [String: String], settings: Settings
  ) throws(ServiceFailure) {
    func variable(_ name: String) -> String? { environment[name].flatMap { $0.isEmpty ? nil : $0 } }
    self.url = url ?? variable("CALLFLOW_URL") ?? Self.own(settings)
    basePath = settings.api.basePath
    guard let keyFile else {
      key = variable("CALLFLOW_KEY")
      return
    }
    do { key = SettingParser.trimmed(try SmallFile.readText(keyFile)) } catch {
      throw .failed("--key-file: \(error)")
    }
  }

  private static func own(_ settings: Settings) -> String {
    settings.listenAddresses.first.map { "http://\($0)" } ?? "http://127.0.0.1:8080"
  }

  /// Runs the smoke test, or looks at one receipt; true where all is well.
  package func verify(receipt: String?, print: (String) -> Void) async throws -> Bool {
    try await CommandSetup.withLoops { group in
      let client = try ServiceClient(url: url, group: group)
      let test = SmokeTest(client: client, key: key, basePath: basePath)
      let isGood: Bool
      if let receipt {
        isGood = await test.receipt(receipt, print: print)
      } else {
        isGood = await test.run(print: print)
      }
      await client.shutDown()
      return isGood
    }
  }
}
