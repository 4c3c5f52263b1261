// One count of open connections for all loops. A listener that finds it full pauses and is woken by the next
// connection that closes, so nothing polls.

import Synchronization

package final class ConnectionLimit: Sendable {
  package let maximum: Int
  private let open = Atomic<Int>(0)
  private let hasWaiting = Atomic<Bool>(false)
  private let waiting = Mutex<[Listener]>([])

  package init(maximum: Int) { self.maximum = maximum }

  package var current: Int { open.load(ordering: .relaxed) }

  /// Takes one place; false where all are taken.
  func take() -> Bool {
    let (before, _) = open.wrappingAdd(1, ordering: .acquiringAndReleasing)
    if before < maximum { return true }
    open.wrappingSubtract(1, ordering: .acquiringAndReleasing)
    return false
  }

  /// Gives one place back and wakes the listeners that wait for one.
  package func giveBack() {
    open.wrappingSubtract(1, ordering: .sequentiallyConsistent)
    guard hasWaiting.load(ordering: .sequentiallyConsistent) else { return }
    let listeners = waiting.withLock { waiting in
      hasWaiting.store(false, ordering: .sequentiallyConsistent)
      defer { waiting = [] }
      return waiting
    }
    for listener in listeners { listener.loop.execute { listener.placeFreed() } }
  }

  /// Wakes `listener` when a place is free, which may be now: a place that was given back while it got here is not
  /// missed.
  func wait(_ listener: Listener) {
    waiting.withLock { waiting in
      waiting.append(listener)
      hasWaiting.store(true, ordering: .sequentiallyConsistent)
    }
    if open.load(ordering: .sequentiallyConsistent) < maximum { wakeAll() }
  }

  private func wakeAll() {
    let listeners = waiting.withLock { waiting in
      hasWaiting.store(false, ordering: .sequentiallyConsistent)
      defer { waiting = [] }
      return waiting
    }
    for listener in listeners { listener.loop.execute { listener.placeFreed() } }
  }
}
