// The two times that a server connection watches: until when input must come, and until when the peer must have taken
// some output. A value without a clock or a timer; its owner passes the time in.

struct ConnectionDeadline {
  enum Kind {
    /// Between two requests.
    case idle
    case head
    case body
  }

  /// What a peer must take of a reply within one period to be worth keeping.
  static let progressBytes = 16 * 1024

  private var kind: Kind?
  private var inputEnd: Int64 = .max
  private var hasExpired = false
  private var outputEnd: Int64 = .max
  private(set) var sentBefore = 0
  /// When the timer will fire; it may be earlier than needed.
  private var armedFor: Int64 = .max

  var isIdle: Bool { kind == .idle }
  var isWatchingOutput: Bool { outputEnd != .max }
  var next: Int64 { min(inputEnd, outputEnd) }

  mutating func set(_ kind: Kind, at time: Int64) {
    self.kind = kind
    inputEnd = time
    hasExpired = false
  }

  /// Ends a wait for input; false where its deadline ended it.
  mutating func endWait() -> Bool {
    kind = nil
    inputEnd = .max
    defer { hasExpired = false }
    return !hasExpired
  }

  mutating func expire() {
    hasExpired = true
    inputEnd = .max
  }

  mutating func clear() {
    kind = nil
    inputEnd = .max
  }

  func inputIsDue(_ now: Int64) -> Bool { now >= inputEnd }

  func outputIsDue(_ now: Int64) -> Bool { now >= outputEnd }

  mutating func watchOutput(until time: Int64, sent: Int) {
    outputEnd = time
    sentBefore = sent
  }

  mutating func stopWatchingOutput() { outputEnd = .max }

  /// Whether a timer must be armed for `time`; then it counts as armed.
  mutating func needsTimer(at time: Int64) -> Bool {
    guard time < armedFor else { return false }
    armedFor = time
    return true
  }

  mutating func timerFired() { armedFor = .max }
}
