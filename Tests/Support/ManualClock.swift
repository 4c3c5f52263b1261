// Time that moves only when the test says so.

import Primitives
import Synchronization

package final class ManualClock: Clock {
  private struct Times {
    var wall: Int64
    var monotonic: Int64
  }

  private let times: Mutex<Times>

  /// `wall`: nanoseconds since 1970, by default 2026-11-21T06:45:00Z.
  package init(wall: Int64 = 1_795_243_500_000_000_000, monotonic: Int64 = 1_000_000_000) {
    times = Mutex(Times(wall: wall, monotonic: monotonic))
  }

  package func wallNanoseconds() -> Int64 { times.withLock { $0.wall } }

  package func monotonicNanoseconds() -> Int64 { times.withLock { $0.monotonic } }

  /// Both clocks go on together.
  package func advance(by duration: Duration) {
    let nanoseconds = Self.nanoseconds(duration)
    precondition(nanoseconds >= 0, "monotonic time never goes back")
    times.withLock {
      $0.wall += nanoseconds
      $0.monotonic += nanoseconds
    }
  }

  /// The wall clock steps, in either direction, as when somebody sets it.
  package func stepWall(by duration: Duration) {
    let nanoseconds = Self.nanoseconds(duration)
    times.withLock { $0.wall += nanoseconds }
  }

  private static func nanoseconds(_ duration: Duration) -> Int64 {
    let (seconds, attoseconds) = duration.components
    return seconds * 1_000_000_000 + attoseconds / 1_000_000_000
  }
}
