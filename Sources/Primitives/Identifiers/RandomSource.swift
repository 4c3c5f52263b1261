// Randomness is a parameter everywhere, so that a simulation can replay a run from its seed.

/// A source of uniformly distributed bits that many threads may use at once.
package protocol RandomSource: Sendable {
  func next() -> UInt64
}

extension RandomSource {
  /// A uniform value in `0 ..< bound`.
  package func next(below bound: UInt64) -> UInt64 {
    precondition(bound > 0)
    return next().multipliedFullWidth(by: bound).high
  }
}

/// The operating system's generator (getrandom).
package struct SystemRandom: RandomSource {
  package init() {}

  package func next() -> UInt64 {
    var generator = SystemRandomNumberGenerator()
    return generator.next()
  }
}
