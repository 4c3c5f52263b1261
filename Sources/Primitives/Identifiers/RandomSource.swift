// Randomness is a parameter everywhere, so that a simulation can replay a run from its seed.

import Synchronization

#if canImport(Glibc)
  import Glibc
#endif

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

/// The operating system's generator (getrandom, by glibc's arc4random_buf), asked for a page at a time: a system
/// call for each event would cost more than its JSON.
package struct SystemRandom: RandomSource {
  private struct Page {
    var words = [UInt64](repeating: 0, count: 512)
    var used = 512
  }

  private static let page = Mutex(Page())

  package init() {}

  package func next() -> UInt64 {
    Self.page.withLock { page in
      if page.used == page.words.count {
        page.words.withUnsafeMutableBytes { words in
          if let base = words.baseAddress { arc4random_buf(base, words.count) }
        }
        page.used = 0
      }
      defer { page.used += 1 }
      return page.words[page.used]
    }
  }
}
