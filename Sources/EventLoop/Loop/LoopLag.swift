// How long work waits for a loop: a timer fires four times a second and notes how late it was. Readable from any
// thread, also while the loop hangs: then the time since the missed tick is the lag.

import Primitives
import Synchronization

package final class LoopLag: Sendable {
  static let intervalNanoseconds: Int64 = 250_000_000

  private let clock: any Clock
  private let dueAt = Atomic<Int64>(.max)
  private let lastLate = Atomic<Int64>(0)

  init(clock: any Clock) { self.clock = clock }

  /// The larger of the last tick's lateness and what the next one is late already.
  package var nanoseconds: Int64 {
    let due = dueAt.load(ordering: .relaxed)
    let overdue = due == .max ? 0 : clock.monotonicNanoseconds() - due
    return max(0, overdue, lastLate.load(ordering: .relaxed))
  }

  package var seconds: Double { Double(nanoseconds) / 1e9 }

  func started() {
    dueAt.store(clock.monotonicNanoseconds() + Self.intervalNanoseconds, ordering: .relaxed)
  }

  func ticked() {
    let now = clock.monotonicNanoseconds()
    lastLate.store(max(0, now - dueAt.load(ordering: .relaxed)), ordering: .relaxed)
    dueAt.store(now + Self.intervalNanoseconds, ordering: .relaxed)
  }
}
