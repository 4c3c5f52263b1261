// The inside of JSON strings: where the plain part ends, what an escape means. Shared by scanner and writer.

enum JSONText {
  private static let ones: UInt64 = 0x0101_0101_0101_0101
  private static let tops: UInt64 = 0x8080_8080_8080_8080

  /// The first place at or after `start` that holds `"`, `\`, a control or a byte outside ASCII; the end where there
  /// is none.
  ///
  /// Eight bytes a step. Subtracting a one from each byte of `word ^ c` borrows into the top bit exactly where the
  /// byte was c, but for bytes above a match, which may be marked wrongly: the lowest mark is always right, and only
  /// that one is used.
  @inline(__always)
  static func plainEnd(_ bytes: UnsafeRawBufferPointer, from start: Int) -> Int {
    var place = start
    while bytes.count - place >= 8 {
      let word = UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: place, as: UInt64.self))
      let quotes = (word ^ (ones &* 0x22)) &- ones
      let backslashes = (word ^ (ones &* 0x5C)) &- ones
      let controls = word &- (ones &* 0x20)
      let marks = (quotes | backslashes | controls | word) & tops
      if marks != 0 { return place + marks.trailingZeroBitCount / 8 }
      place += 8
    }
    while place < bytes.count {
      let byte = bytes[place]
      if byte < 0x20 || byte >= 0x80 || byte == Ascii.quote || byte == Ascii.backslash { break }
      place += 1
    }
    return place
  }

  /// Four hex digits, of either case.
  static func hexUnit(_ bytes: UnsafeRawBufferPointer, at start: Int) -> UInt32? {
    guard bytes.count - start >= 4 else { return nil }
    var unit: UInt32 = 0
    for index in start..<start + 4 {
      guard let digit = Hex.value(bytes[index]) else { return nil }
      unit = unit << 4 | UInt32(digit)
    }
    return unit
  }

  /// Decodes the content of a valid string. What an invalid one gives is unspecified, but in bounds.
  static func unescaped(_ content: UnsafeRawBufferPointer) -> [UInt8] {
    var decoded: [UInt8] = []
    decoded.reserveCapacity(content.count)
    var place = 0
    while place < content.count {
      let byte = content[place]
      guard byte == Ascii.backslash, place + 1 < content.count else {
        decoded.append(byte)
        place += 1
        continue
      }
      let name = content[place + 1]
      place += 2
      switch name {
      case Ascii.lowerB: decoded.append(0x08)
      case Ascii.lowerF: decoded.append(0x0C)
      case Ascii.lowerN: decoded.append(0x0A)
      case Ascii.lowerR: decoded.append(0x0D)
      case Ascii.lowerT: decoded.append(0x09)
      case Ascii.lowerU: appendUnits(content, &place, to: &decoded)
      default: decoded.append(name)
      }
    }
    return decoded
  }

  /// `place` is behind `\u`; goes behind the digits, and behind the low half of a pair.
  private static func appendUnits(_ content: UnsafeRawBufferPointer, _ place: inout Int, to decoded: inout [UInt8]) {
    guard var scalar = hexUnit(content, at: place) else { return }
    place += 4
    if scalar & 0xFC00 == 0xD800, let low = hexUnit(content, at: place + 2), low & 0xFC00 == 0xDC00 {
      scalar = 0x1_0000 + ((scalar & 0x3FF) << 10) + (low & 0x3FF)
      place += 6
    }
    UTF8Text.append(scalar, to: &decoded)
  }
}
