// Days and dates of the proleptic Gregorian calendar, by Howard Hinnant's algorithms
// (howardhinnant.github.io/date_algorithms.html): years are counted from March, so that the leap day is a year's last.

struct CivilDate: Equatable {
  var year: Int
  /// 1 to 12.
  var month: Int
  /// 1 to 31.
  var day: Int

  /// nil where the month has no such day.
  init?(year: Int, month: Int, day: Int) {
    guard (1...12).contains(month), day >= 1, day <= Self.days(inMonth: month, of: year) else { return nil }
    self.year = year
    self.month = month
    self.day = day
  }

  /// `days` since 1970-01-01, which may be negative.
  init(daysSince1970 days: Int) {
    let shifted = days + 719_468
    let era = (shifted >= 0 ? shifted : shifted - 146_096) / 146_097
    let dayOfEra = shifted - era * 146_097
    let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
    let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
    let monthFromMarch = (5 * dayOfYear + 2) / 153
    day = dayOfYear - (153 * monthFromMarch + 2) / 5 + 1
    month = monthFromMarch < 10 ? monthFromMarch + 3 : monthFromMarch - 9
    year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0)
  }

  var daysSince1970: Int {
    let yearFromMarch = month <= 2 ? year - 1 : year
    let era = (yearFromMarch >= 0 ? yearFromMarch : yearFromMarch - 399) / 400
    let yearOfEra = yearFromMarch - era * 400
    let dayOfYear = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1
    let dayOfEra = yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear
    return era * 146_097 + dayOfEra - 719_468
  }

  static func days(inMonth month: Int, of year: Int) -> Int {
    switch month {
    case 2: year.isMultiple(of: 4) && (!year.isMultiple(of: 100) || year.isMultiple(of: 400)) ? 29 : 28
    case 4, 6, 9, 11: 30
    default: 31
    }
  }
}

/// A date and a time of day in UTC, whole seconds.
struct CivilTime: Equatable {
  var date: CivilDate
  var hour: Int
  var minute: Int
  var second: Int

  init(secondsSince1970 seconds: Int64) {
    let (quotient, remainder) = Int(seconds).quotientAndRemainder(dividingBy: 86_400)
    self.init(
      days: remainder < 0 ? quotient - 1 : quotient, secondOfDay: remainder < 0 ? remainder + 86_400 : remainder)
  }

  private init(days: Int, secondOfDay: Int) {
    date = CivilDate(daysSince1970: days)
    hour = secondOfDay / 3600
    minute = secondOfDay / 60 % 60
    second = secondOfDay % 60
  }

  /// nil where there is no such date or time. Second 60 is not known here.
  init?(year: Int, month: Int, day: Int, hour: Int, minute: Int, second: Int) {
    guard let date = CivilDate(year: year, month: month, day: day), (0...23).contains(hour), (0...59).contains(minute),
      (0...59).contains(second)
    else { return nil }
    self.date = date
    self.hour = hour
    self.minute = minute
    self.second = second
  }

  var secondsSince1970: Int64 { Int64(date.daysSince1970 * 86_400 + hour * 3600 + minute * 60 + second) }

  /// 0 is Sunday.
  var weekday: Int { ((date.daysSince1970 + 4) % 7 + 7) % 7 }
}

/// Decimal digits at fixed places.
enum Decimal {
  /// The value of `count` digits from `start`; nil where one is none. The places must exist.
  @inline(__always)
  static func read(_ text: UnsafeRawBufferPointer, _ start: Int, _ count: Int) -> Int? {
    var value = 0
    for index in start..<start + count {
      let digit = text[index] &- Ascii.zero
      guard digit < 10 else { return nil }
      value = value * 10 + Int(digit)
    }
    return value
  }

  /// Writes the last `count` digits of `value`, which is not negative.
  @inline(__always)
  static func write(_ value: Int, _ count: Int, to out: UnsafeMutableRawPointer, at start: Int) {
    var rest = value
    for index in stride(from: start + count - 1, through: start, by: -1) {
      out.storeBytes(of: Ascii.zero + UInt8(rest % 10), toByteOffset: index, as: UInt8.self)
      rest /= 10
    }
  }

  static func text(_ value: Int, _ count: Int) -> String {
    let digits = String(value)
    return String(repeating: "0", count: max(0, count - digits.utf8.count)) + digits
  }
}
