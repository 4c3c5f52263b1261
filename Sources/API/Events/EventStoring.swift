// What the API asks of the event store. One conformance serves, the store itself; tests have another that fails on
// demand, because a full journal or a store that hangs up half-way cannot be had from the real one at will.

import EventStore
import Primitives

package protocol EventStoring: Sendable {
  /// An empty batch for the events of one request, with the store's limits.
  func makeBatch() -> EventBatch
  func commit(_ batch: EventBatch, acknowledge: Durability?, timeout: Duration) async throws -> Durability
  func query(_ query: EventQuery) async throws -> EventPage
  func event(_ id: EventID) async throws -> [UInt8]?
  func receipt(_ id: EventID) async throws -> EventReceipt?
  var salt: [UInt8]? { get }
  var health: EventStore.Health { get }
}

extension EventStore: EventStoring {}
