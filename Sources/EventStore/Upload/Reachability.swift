// Whether the object store answered last time, and if not, why: for /readyz, and so that reads fail at once while it is
// known to be away.

import ObjectStore
import Primitives
import Synchronization

final class Reachability: Sendable {
  private struct State {
    var failure: ObjectStoreError?
    var failedAt: Int64 = 0
  }

  private let clock: any Clock
  private let state = Mutex(State())

  init(clock: any Clock) { self.clock = clock }

  func worked() {
    state.withLock { $0.failure = nil }
  }

  /// What the store refuses says nothing about whether it can be reached.
  func failed(_ error: ObjectStoreError) {
    switch error {
    case .unavailable, .misconfigured: break
    case .rejected, .corrupt: return
    }
    let now = clock.monotonicNanoseconds()
    state.withLock { state in
      state.failure = error
      state.failedAt = now
    }
  }

  /// Why the last request failed; nil when it worked.
  var failure: ObjectStoreError? { state.withLock { $0.failure } }

  /// The same where it is not older than that.
  func failure(within nanoseconds: Int64) -> ObjectStoreError? {
    let now = clock.monotonicNanoseconds()
    return state.withLock { $0.failure != nil && now - $0.failedAt < nanoseconds ? $0.failure : nil }
  }
}
