// 128 bits as 26 characters of Crockford's base32 (crockford.com/base32.html): the alphabet is in ASCII order, so
// texts sort as the values do. The first character holds 3 bits, hence 0 to 7. Read in upper case only and without
// the aliases (I, L, O): one text a value.

package enum Crockford {
  package static let length = 26

  private static let alphabet: StaticString = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"

  /// By character; 0xFF where it has no value.
  private static let values: [UInt8] = {
    var values = [UInt8](repeating: 0xFF, count: 256)
    for value in 0..<32 { values[Int(alphabet.utf8Start[value])] = UInt8(value) }
    return values
  }()

  /// Writes exactly 26 bytes.
  package static func write(high: UInt64, low: UInt64, to out: UnsafeMutableRawPointer) {
    let letters = alphabet.utf8Start
    // Characters 14 to 25 are bits 0 to 59 of `low`; 13 straddles the halves; 1 to 12 are bits 1 to 60 of `high`; 0
    // is its top three.
    var rest = low
    for index in stride(from: 25, through: 14, by: -1) {
      out.storeBytes(of: letters[Int(rest & 31)], toByteOffset: index, as: UInt8.self)
      rest >>= 5
    }
    out.storeBytes(of: letters[Int(rest | (high & 1) << 4)], toByteOffset: 13, as: UInt8.self)
    rest = high >> 1
    for index in stride(from: 12, through: 0, by: -1) {
      out.storeBytes(of: letters[Int(rest & 31)], toByteOffset: index, as: UInt8.self)
      rest >>= 5
    }
  }

  /// nil unless it is exactly 26 characters as the writer gives them.
  package static func decode(_ text: UnsafeRawBufferPointer) -> (high: UInt64, low: UInt64)? {
    guard text.count == length else { return nil }
    return values.withUnsafeBufferPointer { values in
      var invalid: UInt8 = 0
      var high: UInt64 = 0
      for index in 0..<13 {
        let value = values[Int(text[index])]
        invalid |= value
        high = high << 5 | UInt64(value & 31)
      }
      let middle = values[Int(text[13])]
      invalid |= middle
      var low = UInt64(middle & 15)
      for index in 14..<26 {
        let value = values[Int(text[index])]
        invalid |= value
        low = low << 5 | UInt64(value & 31)
      }
      guard invalid & 0x80 == 0, values[Int(text[0])] < 8 else { return nil }
      return (high << 1 | UInt64(middle >> 4), low)
    }
  }

  /// The text of 128 bits behind a prefix.
  static func string(prefix: StaticString, high: UInt64, low: UInt64) -> String {
    let start = prefix.utf8CodeUnitCount
    return String(unsafeUninitializedCapacity: start + length) { buffer in
      guard let base = buffer.baseAddress else { return 0 }
      let out = UnsafeMutableRawPointer(base)
      out.copyMemory(from: prefix.utf8Start, byteCount: start)
      write(high: high, low: low, to: out + start)
      return start + length
    }
  }
}
