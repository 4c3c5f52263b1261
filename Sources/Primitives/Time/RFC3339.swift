// Timestamps as RFC 3339, 5.6 has them: a full date and time with an offset, read strictly, exact to the nanosecond.

package enum RFC3339 {
  package static let nanosecondLength = 30
  private static let second: Int64 = 1_000_000_000

  /// Nanoseconds since 1970; nil where it is no date-time, has more than 9 fraction digits or lies outside of Int64
  /// (1677 to 2262).
  ///
  /// `t` and `z` may be lower case. Second 60 is accepted where a leap second can be, at 23:59:60 UTC on the last
  /// day of a month, and is the start of the next second: this time scale has no other place for it.
  package static func parse(_ text: UnsafeRawBufferPointer) -> Int64? {
    guard text.count >= 20, text[4] == Ascii.minus, text[7] == Ascii.minus, text[10] | 0x20 == Ascii.lowerT,
      text[13] == Ascii.colon, text[16] == Ascii.colon,
      let year = Decimal.read(text, 0, 4), let month = Decimal.read(text, 5, 2), let day = Decimal.read(text, 8, 2),
      let hour = Decimal.read(text, 11, 2), let minute = Decimal.read(text, 14, 2),
      let seconds = Decimal.read(text, 17, 2), seconds <= 60,
      let civil = CivilTime(year: year, month: month, day: day, hour: hour, minute: minute, second: min(seconds, 59))
    else { return nil }
    var place = 19
    guard var fraction = readFraction(text, &place), let offset = readOffset(text, place) else { return nil }
    var total = civil.secondsSince1970 - offset
    if seconds == 60 {
      total += 1
      guard isMonthStart(total) else { return nil }
      fraction = 0
    }
    return nanoseconds(total, fraction)
  }

  package static func parse(_ text: String) -> Int64? {
    var text = text
    return text.withUTF8 { parse(UnsafeRawBufferPointer($0)) }
  }

  /// `.` and 1 to 9 digits, or nothing, as nanoseconds.
  @inline(__always)
  private static func readFraction(_ text: UnsafeRawBufferPointer, _ place: inout Int) -> Int64? {
    guard text[place] == Ascii.dot else { return 0 }
    place += 1
    var fraction: Int64 = 0
    var scale = second
    while place < text.count {
      let digit = text[place] &- Ascii.zero
      guard digit < 10 else { break }
      guard scale > 1 else { return nil }
      scale /= 10
      fraction += Int64(digit) * scale
      place += 1
    }
    return scale == second ? nil : fraction
  }

  /// `Z` or `+hh:mm` up to the end of the text, as seconds.
  @inline(__always)
  private static func readOffset(_ text: UnsafeRawBufferPointer, _ place: Int) -> Int64? {
    guard place < text.count else { return nil }
    let sign = text[place]
    if sign | 0x20 == 0x7A { return place + 1 == text.count ? 0 : nil }
    guard sign == Ascii.plus || sign == Ascii.minus, text.count - place == 6, text[place + 3] == Ascii.colon,
      let hours = Decimal.read(text, place + 1, 2), hours <= 23,
      let minutes = Decimal.read(text, place + 4, 2), minutes <= 59
    else { return nil }
    let offset = Int64(hours * 3600 + minutes * 60)
    return sign == Ascii.minus ? -offset : offset
  }

  private static func isMonthStart(_ seconds: Int64) -> Bool {
    let time = CivilTime(secondsSince1970: seconds)
    return time.date.day == 1 && time.hour == 0 && time.minute == 0 && time.second == 0
  }

  /// Before 1970 the whole seconds are negative while the fraction still counts up: borrowed so that the bounds
  /// themselves fit.
  private static func nanoseconds(_ seconds: Int64, _ fraction: Int64) -> Int64? {
    let (whole, rest) = seconds < 0 ? (seconds + 1, fraction - second) : (seconds, fraction)
    let (product, overflows) = whole.multipliedReportingOverflow(by: second)
    let (sum, carries) = product.addingReportingOverflow(rest)
    return overflows || carries ? nil : sum
  }
}

// MARK: - Writing

extension RFC3339 {
  /// Writes exactly 30 bytes, `YYYY-MM-DDTHH:MM:SS.nnnnnnnnnZ`.
  package static func write(_ nanoseconds: Int64, to out: UnsafeMutableRawPointer) {
    let seconds = nanoseconds >= 0 ? nanoseconds / second : -((-1 - nanoseconds) / second) - 1
    let fraction = nanoseconds &- seconds &* second
    let time = CivilTime(secondsSince1970: seconds)
    out.copyMemory(from: template.utf8Start, byteCount: nanosecondLength)
    Decimal.write(time.date.year, 4, to: out, at: 0)
    Decimal.write(time.date.month, 2, to: out, at: 5)
    Decimal.write(time.date.day, 2, to: out, at: 8)
    Decimal.write(time.hour, 2, to: out, at: 11)
    Decimal.write(time.minute, 2, to: out, at: 14)
    Decimal.write(time.second, 2, to: out, at: 17)
    Decimal.write(Int(fraction), 9, to: out, at: 20)
  }

  /// `fractionDigits` 0 to 9; digits beyond them are cut off, not rounded.
  package static func string(_ nanoseconds: Int64, fractionDigits: Int) -> String {
    precondition((0...9).contains(fractionDigits))
    return String(unsafeUninitializedCapacity: nanosecondLength) { buffer in
      guard let base = buffer.baseAddress else { return 0 }
      write(nanoseconds, to: UnsafeMutableRawPointer(base))
      let end = fractionDigits == 0 ? 19 : 20 + fractionDigits
      base[end] = Ascii.upperZ
      return end + 1
    }
  }

  private static let template: StaticString = "0000-00-00T00:00:00.000000000Z"
}
