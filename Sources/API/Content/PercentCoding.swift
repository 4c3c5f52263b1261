// Percent-decoding (RFC 3986, 2.1), strict: a `%` without two hex digits, and bytes that are not UTF-8, are refused.

import Primitives

enum PercentCoding {
  /// `plusIsSpace`: as in query strings of forms. nil where the text is not what it should be.
  static func decode(_ text: some Collection<UInt8>, plusIsSpace: Bool) -> [UInt8]? {
    var out: [UInt8] = []
    out.reserveCapacity(text.count)
    var rest = text.makeIterator()
    while let byte = rest.next() {
      switch byte {
      case UInt8(ascii: "%"):
        guard let high = rest.next().flatMap(digit), let low = rest.next().flatMap(digit) else { return nil }
        out.append(high << 4 | low)
      case Ascii.plus where plusIsSpace: out.append(Ascii.space)
      default: out.append(byte)
      }
    }
    return out.withUnsafeBytes(UTF8Text.isValid) ? out : nil
  }

  private static func digit(_ byte: UInt8) -> UInt8? {
    switch byte {
    case UInt8(ascii: "0")...UInt8(ascii: "9"): byte - UInt8(ascii: "0")
    case UInt8(ascii: "a")...UInt8(ascii: "f"): byte - UInt8(ascii: "a") + 10
    case UInt8(ascii: "A")...UInt8(ascii: "F"): byte - UInt8(ascii: "A") + 10
    default: nil
    }
  }
}
