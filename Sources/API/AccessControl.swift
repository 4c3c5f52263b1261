// The authorizer's place in a request: asks it, gives an unknown key a second chance after the source was read again,
// counts and logs the decision, and turns a refusal into the reply. Every 401 has the same bytes, whatever the reason.

import Auth
import HTTPModel
import HTTPTypes
import Primitives

package struct AccessControl: Sendable {
  private let authorizer: Authorizer
  private let refresher: KeyRefresher?
  private let clock: any Clock
  private let metrics: AuthorizerMetrics
  private let log: ComponentLog

  init(
    authorizer: Authorizer, refresher: KeyRefresher?, clock: any Clock, metrics: AuthorizerMetrics, log: ComponentLog
  ) {
    self.authorizer = authorizer
    self.refresher = refresher
    self.clock = clock
    self.metrics = metrics
    self.log = log
  }

  func decide(_ request: Request, on scope: Scope) -> Decision {
    authorizer.authorize(request.head, requiring: scope, now: clock.wallNanoseconds())
  }

  /// Whether another decision may come out after the keys were read again: the key may have been made on another node a
  /// moment ago, or the keys were never read.
  func isWorthARefresh(_ decision: Decision) -> Bool {
    guard refresher != nil else { return false }
    switch decision {
    case .deny(let denial): return denial.reason == .unknownKey
    case .keysUnavailable: return true
    case .allow, .badRequest: return false
    }
  }

  func refresh() async { await refresher?.refresh() }

  /// Counts and logs the decision. Throws where the request may not go on. `started`: monotonic nanoseconds.
  func settle(_ decision: Decision, _ request: Request, _ scope: Scope, started: Int64) throws(Problem) -> Principal {
    let elapsed = clock.monotonicNanoseconds() - started
    metrics.count(decision, nanoseconds: elapsed)
    switch decision {
    case .allow(let principal):
      log.allowed(request, principal, elapsed)
      return principal
    case .deny(let denial):
      log.denied(request, denial, elapsed)
      throw denial.reason.isForbidden ? Self.forbidden(scope) : Self.unauthorized
    case .badRequest(let field, let message):
      throw .invalid(field, message, in: .header)
    case .keysUnavailable:
      throw .unavailable("The API keys could not be read yet")
    }
  }

  private static let unauthorized = Problem(
    .unauthorized, "A valid credential is required", fields: [(.wwwAuthenticate, "Bearer realm=\"callflow\"")])

  /// RFC 6750, 3.1: names the scope that was missing.
  private static func forbidden(_ scope: Scope) -> Problem {
    let names = scope.names.joined(separator: " ")
    return Problem(
      .forbidden, "The credential has not the scope \(names)",
      fields: [(.wwwAuthenticate, "Bearer realm=\"callflow\", error=\"insufficient_scope\", scope=\"\(names)\"")])
  }
}
