// Time is a parameter everywhere: the service passes `SystemClock`, tests pass a manual one. TidyTests bans other
// sources of time.

#if canImport(Glibc)
  import Glibc
#endif

/// Wall time for timestamps that people see, monotonic time for every deadline and interval.
package protocol Clock: Sendable {
  /// Nanoseconds since 1970-01-01T00:00:00Z. May step in either direction.
  func wallNanoseconds() -> Int64
  /// Nanoseconds since an arbitrary point. Never goes back.
  func monotonicNanoseconds() -> Int64
}

package struct SystemClock: Clock {
  package init() {}

  package func wallNanoseconds() -> Int64 { Self.read(CLOCK_REALTIME) }

  package func monotonicNanoseconds() -> Int64 { Self.read(CLOCK_MONOTONIC) }

  private static func read(_ clock: clockid_t) -> Int64 {
    var time = timespec()
    clock_gettime(clock, &time)
    return Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
  }
}
