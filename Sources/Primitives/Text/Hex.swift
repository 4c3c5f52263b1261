// Hexadecimal (RFC 4648, 8), written in lower case, read in either.

package enum Hex {
  package static func string(_ bytes: some Sequence<UInt8>) -> String {
    var text: [UInt8] = []
    text.reserveCapacity(bytes.underestimatedCount * 2)
    for byte in bytes {
      text.append(digit(byte >> 4))
      text.append(digit(byte & 0x0F))
    }
    return String(decoding: text, as: UTF8.self)
  }

  /// nil where the count is odd or a character is no digit.
  package static func decode(_ text: String) -> [UInt8]? {
    let digits = text.utf8
    guard digits.count.isMultiple(of: 2) else { return nil }
    var bytes: [UInt8] = []
    bytes.reserveCapacity(digits.count / 2)
    var high: UInt8?
    for character in digits {
      guard let digit = value(character) else { return nil }
      if let upper = high {
        bytes.append(upper << 4 | digit)
        high = nil
      } else {
        high = digit
      }
    }
    return bytes
  }

  /// The lower-case digit of 0 to 15.
  @inline(__always)
  static func digit(_ value: UInt8) -> UInt8 { value < 10 ? Ascii.zero + value : 0x57 + value }

  @inline(__always)
  static func value(_ digit: UInt8) -> UInt8? {
    switch digit {
    case Ascii.zero...Ascii.nine: digit - Ascii.zero
    case 0x61...0x66: digit - 0x57
    case 0x41...0x46: digit - 0x37
    default: nil
    }
  }
}
