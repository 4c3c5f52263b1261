// An event store that answers what the test wants: full journals, silent object stores and shutdowns cannot be had from
// the real one at will. Batches are real ones, so every rule of the event is checked by the real code.

import API
import EventStore
import Primitives
import Synchronization
import TestSupport

final class FakeEvents: EventStoring {
  struct State: Sendable {
    var commit: Result<Durability, EventStoreError> = .success(.journal)
    var read: EventStoreError?
    var committed: [(batch: EventBatch, acknowledge: Durability?)] = []
    var queries: [EventQuery] = []
    var page = EventPage(lines: [], next: nil, segmentsScanned: 0)
    var lines: [EventID: [UInt8]] = [:]
    var receipts: [EventID: EventReceipt] = [:]
    var salt: [UInt8]? = Array("salt".utf8)
    var health = EventStore.Health(
      storeReachable: true, canStore: true, causes: [:], journalBytes: 0, oldestUnuploadedSeconds: 0)
    var limits = EventLimits()
  }

  private let state = Mutex(State())
  private let clock: ManualClock
  private let random = SeededRandom(7)

  init(clock: ManualClock) { self.clock = clock }

  func set(_ change: (inout State) -> Void) { state.withLock { change(&$0) } }
  func read<Value>(_ path: KeyPath<State, Value>) -> Value where Value: Sendable {
    state.withLock { $0[keyPath: path] }
  }

  func makeBatch() -> EventBatch {
    let (limits, salt) = state.withLock { ($0.limits, $0.salt) }
    return EventBatch(limits: limits, now: clock.wallNanoseconds(), random: random, salt: salt)
  }

  func commit(_ batch: EventBatch, acknowledge: Durability?, timeout: Duration) async throws -> Durability {
    try state.withLock { state in
      state.committed.append((batch, acknowledge))
      return try state.commit.get()
    }
  }

  func query(_ query: EventQuery) async throws -> EventPage {
    try state.withLock { state in
      state.queries.append(query)
      if let error = state.read { throw error }
      return state.page
    }
  }

  func event(_ id: EventID) async throws -> [UInt8]? {
    try state.withLock { state in
      if let error = state.read { throw error }
      return state.lines[id]
    }
  }

  func receipt(_ id: EventID) async throws -> EventReceipt? {
    try state.withLock { state in
      if let error = state.read { throw error }
      return state.receipts[id]
    }
  }

  var salt: [UInt8]? { state.withLock { $0.salt } }
  var health: EventStore.Health { state.withLock { $0.health } }
}
