// When the open journal file becomes a segment: by its size, by its age, or because somebody waits for the object
// store. Pure.

/// All times are monotonic nanoseconds.
struct SealSchedule {
  struct Limits: Sendable {
    var bytes: Int
    var interval: Int64
    /// Least time between two uploads while somebody waits; 0 = as fast as `maxInFlight` uploads allow.
    var objectStoreInterval: Int64
    var maxInFlight = 4
  }

  /// The open file.
  struct Open {
    var bytes: Int
    var firstEventAt: Int64
    var hasWaiters: Bool
  }

  enum Decision: Equatable {
    case seal
    /// Look again at that time, or earlier when something happens.
    case wait(until: Int64)
  }

  let limits: Limits
  private var lastSealAt: Int64?

  init(limits: Limits) { self.limits = limits }

  mutating func sealed(at now: Int64) { lastSealAt = now }

  /// `inFlight`: sealed files that are not uploaded yet.
  func decide(_ open: Open, inFlight: Int, now: Int64) -> Decision {
    let byAge = open.firstEventAt + limits.interval
    if open.bytes >= limits.bytes || now >= byAge { return .seal }
    guard open.hasWaiters else { return .wait(until: byAge) }
    // While uploads are in flight, the end of one is what is waited for.
    guard inFlight < (limits.objectStoreInterval == 0 ? limits.maxInFlight : 1) else { return .wait(until: byAge) }
    let earliest = (lastSealAt ?? .min / 2) + limits.objectStoreInterval
    return now >= earliest ? .seal : .wait(until: min(byAge, earliest))
  }
}
