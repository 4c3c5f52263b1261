// `callflow health`: asks the admin listener of the same machine, as a container's HEALTHCHECK does.

import EventLoop
import HTTPTypes
import Primitives

package enum HealthProbe {
  /// The status, and whether the node is ready. An address of all interfaces is asked on loopback.
  package static func run(_ settings: Settings) async throws -> (text: String, isReady: Bool) {
    guard let address = settings.adminAddress else { throw ServiceFailure.misconfigured("admin.listen: no address") }
    let host = ["0.0.0.0": "127.0.0.1", "::": "::1"][address.host] ?? address.host
    let literal = host.contains(":") ? "[\(host)]" : host
    return try await CommandSetup.withLoops { group in
      let client = try ServiceClient(url: "http://\(literal):\(address.port)", group: group, deadline: .seconds(5))
      let answer: ServiceClient.Answer
      do { answer = try await client.send(.get, "/readyz") } catch {
        await client.shutDown()
        throw error
      }
      await client.shutDown()
      return (answer.json?["status"]?.stringValue ?? "status \(answer.status)", answer.status == 200)
    }
  }
}
