// The classes of bytes that RFC 9110 and RFC 9112 speak of, as bit sets: no table in memory, no call.

import HTTPModel

enum Byte {
  static let tab: UInt8 = 0x09
  static let lineFeed: UInt8 = 0x0A
  static let carriageReturn: UInt8 = 0x0D
  static let space: UInt8 = 0x20
  static let quote: UInt8 = 0x22
  static let numberSign: UInt8 = 0x23
  static let asterisk: UInt8 = 0x2A
  static let comma: UInt8 = 0x2C
  static let period: UInt8 = 0x2E
  static let slash: UInt8 = 0x2F
  static let zero: UInt8 = 0x30
  static let colon: UInt8 = 0x3A
  static let semicolon: UInt8 = 0x3B
  static let questionMark: UInt8 = 0x3F
  static let openBracket: UInt8 = 0x5B
  static let closeBracket: UInt8 = 0x5D
}

/// A set of ASCII characters as two words.
private struct ASCIISet {
  private let low: UInt64
  private let high: UInt64

  init(low: UInt64, high: UInt64) {
    self.low = low
    self.high = high
  }

  @inline(__always)
  func contains(_ byte: UInt8) -> Bool {
    guard byte < 0x80 else { return false }
    return (byte < 0x40 ? low >> UInt64(byte) : high >> UInt64(byte & 0x3F)) & 1 == 1
  }
}

extension UInt8 {
  /// tchar (RFC 9110, 5.6.2): `!#$%&'*+-.^_` backquote `|~`, digits, letters.
  @inline(__always)
  var isTokenByte: Bool { ASCIISet(low: 0x03FF_6CFA_0000_0000, high: 0x57FF_FFFF_C7FF_FFFE).contains(self) }

  /// HTAB, SP, VCHAR and obs-text: everything but the other controls and DEL.
  @inline(__always)
  var isFieldValueByte: Bool { (self >= 0x20 && self != 0x7F) || self == Byte.tab }

  /// reg-name (RFC 3986, 3.2.2): unreserved, sub-delims and the percent sign.
  var isRegisteredNameByte: Bool { ASCIISet(low: 0x2BFF_7FF2_0000_0000, high: 0x47FF_FFFE_87FF_FFFE).contains(self) }

  @inline(__always)
  var isDigit: Bool { self &- 0x30 < 10 }

  @inline(__always)
  var isLetter: Bool { (self | 0x20) &- 0x61 < 26 }

  var isHexDigit: Bool { hexValue != nil }

  @inline(__always)
  var hexValue: UInt8? {
    if isDigit { return self &- 0x30 }
    let letter = (self | 0x20) &- 0x61
    return letter < 6 ? letter + 10 : nil
  }

  @inline(__always)
  var lowercased: UInt8 { self &- 0x41 < 26 ? self | 0x20 : self }
}

extension UnsafeRawBufferPointer {
  /// `text` is ASCII in lower case.
  @inline(__always)
  func equalsIgnoringCase(_ text: StaticString) -> Bool {
    guard count == text.utf8CodeUnitCount else { return false }
    let other = text.utf8Start
    for index in 0..<count where self[index].lowercased != other[index] { return false }
    return true
  }

  func equalsIgnoringCase(_ other: UnsafeRawBufferPointer) -> Bool {
    count == other.count && indices.allSatisfy { self[$0].lowercased == other[$0].lowercased }
  }

  /// The elements of a comma-separated list, trimmed, empty ones left out (RFC 9110, 5.6.1).
  func forEachListElement(_ body: (UnsafeRawBufferPointer) -> Void) {
    var index = 0
    while index <= count {
      var end = index
      while end < count, self[end] != Byte.comma { end += 1 }
      var first = index
      var last = end
      while first < last, self[first] == Byte.space || self[first] == Byte.tab { first += 1 }
      while last > first, self[last - 1] == Byte.space || self[last - 1] == Byte.tab { last -= 1 }
      if first < last { body(UnsafeRawBufferPointer(rebasing: self[first..<last])) }
      index = end + 1
    }
  }
}

extension Refusal {
  /// Broken framing: 400.
  init(malformed reason: String) { self.init(status: 400, reason: "Malformed HTTP message: \(reason)") }
}
