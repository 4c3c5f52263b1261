// Request ids of one loop: `req_` and 26 characters of Crockford base32. They only have to be unique, so the system's
// generator seeds one of our own instead of being asked, by a system call, for every request.

import Primitives

struct RequestIDs {
  private var state: (UInt64, UInt64, UInt64, UInt64)

  init(_ random: any RandomSource) {
    // All zero is the one state that xoshiro256** never leaves.
    state = (random.next() | 1, random.next(), random.next(), random.next())
  }

  mutating func next() -> String {
    let high = nextWord()
    let low = nextWord()
    return String(unsafeUninitializedCapacity: 30) { buffer in
      guard let start = buffer.baseAddress else { return 0 }
      start[0] = 0x72
      start[1] = 0x65
      start[2] = 0x71
      start[3] = 0x5F
      Crockford.write(high: high, low: low, to: UnsafeMutableRawPointer(start + 4))
      return 30
    }
  }

  /// xoshiro256** 1.0 by Blackman and Vigna (prng.di.unimi.it).
  private mutating func nextWord() -> UInt64 {
    let result = Self.rotate(state.1 &* 5, 7) &* 9
    let shifted = state.1 << 17
    state.2 ^= state.0
    state.3 ^= state.1
    state.1 ^= state.2
    state.0 ^= state.3
    state.2 ^= shifted
    state.3 = Self.rotate(state.3, 45)
    return result
  }

  private static func rotate(_ value: UInt64, _ bits: UInt64) -> UInt64 { value << bits | value >> (64 - bits) }
}
