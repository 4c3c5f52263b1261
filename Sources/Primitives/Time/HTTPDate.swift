// The two dates of HTTP and AWS, whole seconds in UTC.

/// IMF-fixdate (RFC 9110, 5.6.7), the only form that is still to be sent: `Sun, 06 Nov 1994 08:49:37 GMT`.
package enum HTTPDate {
  private static let weekdays = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"]
  private static let months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]

  package static func string(seconds: Int64) -> String {
    let time = CivilTime(secondsSince1970: seconds)
    let date = "\(Decimal.text(time.date.day, 2)) \(months[time.date.month - 1]) \(Decimal.text(time.date.year, 4))"
    let clock = "\(Decimal.text(time.hour, 2)):\(Decimal.text(time.minute, 2)):\(Decimal.text(time.second, 2))"
    return "\(weekdays[time.weekday]), \(date) \(clock) GMT"
  }

  /// Seconds since 1970; nil for any other form, a date that does not exist or a wrong day of the week.
  package static func parse(_ text: String) -> Int64? {
    var text = text
    let parsed = text.withUTF8 { text -> Int64? in
      let text = UnsafeRawBufferPointer(text)
      guard text.count == 29,
        let month = months.firstIndex(where: { $0.utf8.elementsEqual(text[8..<11]) }),
        let day = Decimal.read(text, 5, 2), let year = Decimal.read(text, 12, 4),
        let hour = Decimal.read(text, 17, 2), let minute = Decimal.read(text, 20, 2),
        let second = Decimal.read(text, 23, 2),
        let time = CivilTime(year: year, month: month + 1, day: day, hour: hour, minute: minute, second: second)
      else { return nil }
      return time.secondsSince1970
    }
    // Writing it again checks every other byte, the day of the week among them.
    guard let parsed, string(seconds: parsed) == text else { return nil }
    return parsed
  }
}

/// The ISO 8601 basic form of SigV4's `x-amz-date`: `20261121T064500Z`.
package enum AmzDate {
  package static func string(seconds: Int64) -> String {
    let time = CivilTime(secondsSince1970: seconds)
    let date = Decimal.text(time.date.year, 4) + Decimal.text(time.date.month, 2) + Decimal.text(time.date.day, 2)
    return "\(date)T" + Decimal.text(time.hour, 2) + Decimal.text(time.minute, 2) + Decimal.text(time.second, 2) + "Z"
  }

  /// Seconds since 1970; nil for any other form or a time that does not exist.
  package static func parse(_ text: String) -> Int64? {
    var text = text
    return text.withUTF8 { text in
      let text = UnsafeRawBufferPointer(text)
      guard text.count == 16, text[8] == Ascii.upperT, text[15] == Ascii.upperZ,
        let year = Decimal.read(text, 0, 4), let month = Decimal.read(text, 4, 2), let day = Decimal.read(text, 6, 2),
        let hour = Decimal.read(text, 9, 2), let minute = Decimal.read(text, 11, 2),
        let second = Decimal.read(text, 13, 2)
      else { return nil }
      return CivilTime(year: year, month: month, day: day, hour: hour, minute: minute, second: second)?.secondsSince1970
    }
  }
}
