// What the operating system refused, and small conversions to its types.

import CLibevent
import Glibc

package struct SystemError: Error, Sendable, Equatable, CustomStringConvertible {
  /// The call that failed.
  package let call: String
  /// Its errno.
  package let code: Int32

  package init(_ call: String, _ code: Int32) {
    self.call = call
    self.code = code
  }

  package var description: String { "\(call): \(Self.text(code))" }

  /// The system's words for an errno; unlike strerror safe on every thread.
  package static func text(_ code: Int32) -> String {
    withUnsafeTemporaryAllocation(of: CChar.self, capacity: 256) { buffer in
      guard let start = buffer.baseAddress, strerror_r(code, start, buffer.count) == 0 else { return "error \(code)" }
      return String(cString: start)
    }
  }
}

extension Duration {
  /// Nanoseconds, saturating at the ends of Int64 (292 years).
  package var wholeNanoseconds: Int64 {
    let (seconds, attoseconds) = components
    let (scaled, overflow) = seconds.multipliedReportingOverflow(by: 1_000_000_000)
    if overflow { return seconds < 0 ? .min : .max }
    let (sum, carried) = scaled.addingReportingOverflow(attoseconds / 1_000_000_000)
    return carried ? (seconds < 0 ? .min : .max) : sum
  }
}

extension timeval {
  /// Rounded up to a microsecond: a timer never fires early.
  init(nanoseconds: Int64) {
    let microseconds = nanoseconds / 1000 + (nanoseconds % 1000 == 0 ? 0 : 1)
    self.init(tv_sec: Int(microseconds / 1_000_000), tv_usec: Int(microseconds % 1_000_000))
  }
}
