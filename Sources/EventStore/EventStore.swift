// The façade of the event store.

import Logging
import ObjectStore
import Observability
import Primitives

package struct EventStoreSettings: Sendable {
  /// `storage.data`.
  package var dataFolder: String
  package var acknowledge: Durability = .journal
  package var uploadIntervalSeconds: Double = 10
  package var uploadBytes = 16 << 20
  package var objectStoreIntervalSeconds: Double = 0.1
  package var journalMaxBytes = 8 << 30
  package var refreshIntervalSeconds: Double = 1
  package var listPerSecond: Double = 5
  package var memoryBytes = 128 << 20
  package var queryTimeoutSeconds: Double = 20
  package var queryMaxScanBytes = 4 << 30
  package var queryConcurrency = 32

  package init(dataFolder: String) { self.dataFolder = dataFolder }
}

package final class EventStore: Sendable {
  package init(
    settings: EventStoreSettings, objects: any ObjectStore, clock: any Clock, random: any RandomSource,
    metrics: MetricRegistry, logger: Logger
  ) {}

  /// Locks the writer folder, replays what the last run left, starts the threads. Returns when events can be taken; the object store
  /// need not answer.
  package func start() async throws { preconditionFailure("being built") }

  /// Makes the batch durable and returns how durable it is: `.journal` although `.objectStore` was asked for means that the object
  /// store did not answer within `timeout` and the journal has it (202).
  package func commit(_ batch: EventBatch, acknowledge: Durability?, timeout: Duration) async throws -> Durability {
    preconditionFailure("being built")
  }

  package func query(_ query: EventQuery) async throws -> EventPage { preconditionFailure("being built") }

  /// The event's line, or nil. Refreshes the catalog before it says nil.
  package func event(_ id: EventID) async throws -> [UInt8]? { preconditionFailure("being built") }

  package func receipt(_ id: EventID) async throws -> EventReceipt? { preconditionFailure("being built") }

  /// Key for cursors' checksums, from `store.json`; nil until the store was reached once.
  package var salt: [UInt8]? { preconditionFailure("being built") }

  package struct Health: Sendable {
    /// The last request to the object store worked.
    package var storeReachable: Bool
    /// Events can be made durable.
    package var canStore: Bool
    /// Why not, for /readyz.
    package var causes: [String: String]
    package var journalBytes: Int
    package var oldestUnuploadedSeconds: Double
  }
  package var health: Health { preconditionFailure("being built") }

  /// Takes no more events, seals and uploads what is there until `deadline`; what is left stays in the journal and spool.
  package func drain(deadline: Duration) async { preconditionFailure("being built") }
}
