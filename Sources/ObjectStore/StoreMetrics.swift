// The metrics of an object store (CONTRACT 6), registered once, so that counting is an atomic addition.

import Observability

package enum StoreOperation: String, CaseIterable, Sendable {
  case get, head, put, list, delete
}

enum StoreOutcome: String, CaseIterable {
  case ok
  /// get and head: no such object.
  case absent
  case conditionFailed = "condition_failed"
  case unavailable, misconfigured, rejected, corrupt

  init(_ error: ObjectStoreError) {
    self =
      switch error {
      case .unavailable: .unavailable
      case .misconfigured: .misconfigured
      case .rejected: .rejected
      case .corrupt: .corrupt
      }
  }
}

package final class StoreMetrics: Sendable {
  private struct Instruments: Sendable {
    let outcomes: [Counter]
    let seconds: Histogram
    let retries: Counter
  }

  private let instruments: [Instruments]

  package init(registry: MetricRegistry) {
    instruments = StoreOperation.allCases.map { operation in
      let label = ("operation", operation.rawValue)
      return Instruments(
        outcomes: StoreOutcome.allCases.map { outcome in
          registry.counter(
            "callflow_store_requests_total", "Requests to the object store, each try counted.",
            [label, ("outcome", outcome.rawValue)])
        },
        seconds: registry.histogram(
          "callflow_store_request_duration_seconds", "Duration of requests to the object store, each try by itself.",
          [label]),
        retries: registry.counter(
          "callflow_store_retries_total", "Requests to the object store that were tried again.", [label]))
    }
  }

  func ended(_ operation: StoreOperation, _ outcome: StoreOutcome, nanoseconds: Int64) {
    let instruments = self[operation]
    for (index, candidate) in StoreOutcome.allCases.enumerated() where candidate == outcome {
      instruments.outcomes[index].add()
    }
    instruments.seconds.observe(nanoseconds: nanoseconds)
  }

  func retried(_ operation: StoreOperation) { self[operation].retries.add() }

  private subscript(operation: StoreOperation) -> Instruments {
    switch operation {
    case .get: instruments[0]
    case .head: instruments[1]
    case .put: instruments[2]
    case .list: instruments[3]
    case .delete: instruments[4]
    }
  }
}
