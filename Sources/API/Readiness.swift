// What /health, /readyz and /livez answer, from the state of the store and of the process.

import Auth
import EventStore
import HTTPModel
import HTTPTypes
import Primitives
import Synchronization

/// State of the process that only the service knows.
package final class Readiness: Sendable {
  private let starting = Atomic<Bool>(false)
  private let draining = Atomic<Bool>(false)
  private let isAlive: @Sendable () -> Bool

  /// `isAlive`: whether every event loop turned lately.
  package init(isAlive: @escaping @Sendable () -> Bool = { true }) { self.isAlive = isAlive }

  /// The journal may still be replayed: probes find a node that lives and is not ready.
  package var isStarting: Bool { starting.load(ordering: .acquiring) }

  package func beginStarting() { starting.store(true, ordering: .releasing) }
  package func endStarting() { starting.store(false, ordering: .releasing) }

  package var isDraining: Bool { draining.load(ordering: .acquiring) }

  /// Balancers are told to go elsewhere; requests are still answered.
  package func beginDraining() { draining.store(true, ordering: .releasing) }

  package var loopsTurn: Bool { isAlive() }
}

package enum HealthStatus: String, Sendable {
  case healthy
  /// The object store is out of reach, but events are taken.
  case degraded
  case draining
  /// No event can be made durable.
  case unhealthy

  package var isReady: Bool { self == .healthy || self == .degraded }

  /// `knowsKeys`: without any, no request of a client can be let in.
  package init(_ health: EventStore.Health, knowsKeys: Bool, readiness: Readiness) {
    if readiness.isDraining {
      self = .draining
    } else if readiness.isStarting || !health.canStore || !knowsKeys {
      self = .unhealthy
    } else {
      self = health.storeReachable ? .healthy : .degraded
    }
  }
}

struct HealthReport: Sendable {
  private let events: any EventStoring
  private let authorizer: Authorizer
  private let readiness: Readiness
  private let clock: any Clock

  init(events: any EventStoring, authorizer: Authorizer, readiness: Readiness, clock: any Clock) {
    self.events = events
    self.authorizer = authorizer
    self.readiness = readiness
    self.clock = clock
  }

  /// `withCauses`: on the admin listener, where endpoints and files may be named.
  func health(withCauses: Bool) -> Response {
    var health = events.health
    let knowsKeys = authorizer.knowsKeys
    if !knowsKeys { health.causes["keys"] = "the API keys were never read: see auth.keys" }
    if readiness.isStarting { health.causes["start"] = "the node is starting" }
    let status = HealthStatus(health, knowsKeys: knowsKeys, readiness: readiness)
    var members: [(String, JSONValue)] = [
      ("status", .string(status.rawValue)), ("timestamp", .string(now)),
      (
        "checks",
        .object([
          ("journal", Self.check(health.canStore)), ("objectStore", Self.check(health.storeReachable)),
          ("keys", Self.check(knowsKeys)),
        ])
      ),
    ]
    if withCauses {
      members.append(("causes", .object(health.causes.sorted { $0.key < $1.key }.map { ($0.key, .string($0.value)) })))
    }
    return response(members, isGood: status.isReady)
  }

  func liveness() -> Response {
    let turns = readiness.loopsTurn
    return response(
      [("status", .string(turns ? "alive" : "stuck")), ("timestamp", .string(now))], isGood: turns)
  }

  private var now: String { RFC3339.string(clock.wallNanoseconds(), fractionDigits: 3) }

  private static func check(_ isGood: Bool) -> JSONValue { .string(isGood ? "ok" : "failed") }

  private func response(_ members: [(String, JSONValue)], isGood: Bool) -> Response {
    var fields = FieldBlock(serialized: StoreEvents.jsonFields)
    if !isGood { fields.add(.retryAfter, String(Problem.retrySeconds)) }
    return Response(
      status: isGood ? .ok : .serviceUnavailable, fields: fields, body: .bytes(JSONValue.object(members).serialized()))
  }
}
