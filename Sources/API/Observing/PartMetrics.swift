// Counters of what only the API knows: events refused, and decisions of the authorizer (what is taken, the store
// counts). Looked up by name once.

import Auth
import EventStore
import Observability

struct EventMetrics: Sendable {
  enum Rejection: String, CaseIterable {
    case invalid
    case malformed
    case tooLarge = "too_large"
    case mediaType = "media_type"
    case storeUnavailable = "store_unavailable"
  }

  private let rejected: [Counter]

  init(_ registry: MetricRegistry) {
    rejected = Rejection.allCases.map { reason in
      registry.counter(
        "callflow_events_rejected_total", "Events, or bodies that could not be read as events, that were refused.",
        [("reason", reason.rawValue)])
    }
  }

  func reject(_ reason: Rejection) {
    guard let index = Rejection.allCases.firstIndex(of: reason) else { return }
    rejected[index].add()
  }

  /// Counts what a body held that was refused.
  func countRejections(_ results: [EventResult]) {
    for result in results {
      switch result {
      case .accepted: break
      case .rejected: reject(.invalid)
      case .tooLarge: reject(.tooLarge)
      case .malformed: reject(.malformed)
      case .saltUnknown: reject(.storeUnavailable)
      }
    }
  }
}

struct AuthorizerMetrics: Sendable {
  private static let name = "callflow_authorizer_decisions_total"
  private static let help = "Decisions of the authorizer."

  private let allowed: Counter
  private let badRequest: Counter
  private let unavailable: Counter
  private let denied: [Counter]
  private let duration: Histogram

  init(_ registry: MetricRegistry) {
    allowed = registry.counter(Self.name, Self.help, [("result", "ALLOW"), ("reason", "")])
    badRequest = registry.counter(Self.name, Self.help, [("result", "DENY"), ("reason", "AMBIGUOUS")])
    unavailable = registry.counter(Self.name, Self.help, [("result", "DENY"), ("reason", "KEYS_UNAVAILABLE")])
    denied = DenialReason.allCases.map { reason in
      registry.counter(Self.name, Self.help, [("result", "DENY"), ("reason", reason.rawValue)])
    }
    duration = registry.histogram(
      "callflow_authorizer_duration_seconds", "Time of a decision, a second look at the key source included.")
  }

  func count(_ decision: Decision, nanoseconds: Int64) {
    duration.observe(nanoseconds: nanoseconds)
    switch decision {
    case .allow: allowed.add()
    case .badRequest: badRequest.add()
    case .keysUnavailable: unavailable.add()
    case .deny(let denial):
      if let index = DenialReason.allCases.firstIndex(of: denial.reason) { denied[index].add() }
    }
  }
}
