// Random ids whose prefix says what they are.

package enum Prefixed {
  /// `req_` and 26 Crockford characters of 128 random bits.
  package static func requestID(_ random: any RandomSource) -> String {
    Crockford.string(prefix: "req_", high: random.next(), low: random.next())
  }
}
