// UTF-8 by the table of well-formed sequences (Unicode 15, table 3-7): no overlong forms, no surrogates, nothing
// above U+10FFFF.

package enum UTF8Text {
  /// Length of the well-formed sequence of two to four bytes that starts at `start`; 0 where there is none.
  package static func sequenceLength(_ bytes: UnsafeRawBufferPointer, at start: Int) -> Int {
    let remaining = bytes.count - start
    guard remaining >= 2 else { return 0 }
    let first = bytes[start]
    let second = bytes[start + 1]
    switch first {
    case 0xC2...0xDF:
      return isContinuation(second) ? 2 : 0
    case 0xE0...0xEF:
      guard remaining >= 3, isContinuation(second), isContinuation(bytes[start + 2]) else { return 0 }
      if first == 0xE0, second < 0xA0 { return 0 }
      if first == 0xED, second > 0x9F { return 0 }
      return 3
    case 0xF0...0xF4:
      guard remaining >= 4, isContinuation(second), isContinuation(bytes[start + 2]), isContinuation(bytes[start + 3])
      else { return 0 }
      if first == 0xF0, second < 0x90 { return 0 }
      if first == 0xF4, second > 0x8F { return 0 }
      return 4
    default:
      return 0
    }
  }

  /// Whether all of it is well-formed.
  package static func isValid(_ bytes: UnsafeRawBufferPointer) -> Bool {
    var place = 0
    while place < bytes.count {
      if bytes[place] < 0x80 {
        place += 1
        continue
      }
      let length = sequenceLength(bytes, at: place)
      if length == 0 { return false }
      place += length
    }
    return true
  }

  /// Appends one scalar value. A surrogate, which is none, becomes U+FFFD.
  static func append(_ scalar: UInt32, to out: inout [UInt8]) {
    let scalar = Unicode.Scalar(scalar) ?? "\u{FFFD}"
    out.append(contentsOf: UTF8.encode(scalar) ?? UTF8.encodedReplacementCharacter)
  }

  @inline(__always)
  private static func isContinuation(_ byte: UInt8) -> Bool { byte & 0xC0 == 0x80 }
}
