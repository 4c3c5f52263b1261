// RFC 3339 against the JSON Schema suite and against itself, the dates of HTTP and AWS against known answers.

import Primitives
import TestSupport
import Testing

@Suite struct RFC3339Tests {
  @Test func parse_AgreesWithTheSuite_OnEveryString() throws {
    guard let folder = Corpora.folder("rfc3339") else { return }
    let suite = try JSONValue(parsing: try Corpora.bytes("\(folder)/date-time.json"))
    var count = 0
    for test in suite.arrayValue?.first?["tests"]?.arrayValue ?? [] {
      count += 1
      guard let text = test["data"]?.stringValue, let isValid = test["valid"]?.boolValue else { continue }
      // CONTRACT 3.1 is stricter here: up to nanoseconds, because no more can be kept.
      let isTooFine = text == "1985-04-12T00:59:59.999999999999999Z"
      #expect((RFC3339.parse(text) != nil) == (isValid && !isTooFine), "\(text)")
    }
    #expect(count == 33)
  }

  @Test(arguments: [
    ("1970-01-01T00:00:00Z", 0), ("1970-01-01T00:00:00.000000001Z", 1), ("1969-12-31T23:59:59.999999999Z", -1),
    ("1970-01-01T01:00:00+01:00", 0), ("1969-12-31T16:00:00-08:00", 0), ("1970-01-01T00:00:00-00:00", 0),
    ("2026-11-21T06:45:00.5Z", 1_795_243_500_500_000_000), ("2000-02-29T12:00:00z", 951_825_600_000_000_000),
    ("1990-12-31T23:59:60Z", 662_688_000_000_000_000), ("1990-12-31T15:59:60.9-08:00", 662_688_000_000_000_000),
    ("2262-04-11T23:47:16.854775807Z", Int64.max), ("1677-09-21T00:12:43.145224192Z", Int64.min),
  ])
  func parse_GivesNanoseconds(text: String, nanoseconds: Int64) {
    #expect(RFC3339.parse(text) == nanoseconds)
  }

  @Test(arguments: [
    "", "2026-11-21", "2026-11-21T06:45:00", "2026-11-21 06:45:00Z", "2026-11-21T06:45Z", "2026-11-21T06:45:00.Z",
    "2026-11-21T06:45:00.1234567890Z", "2026-11-21T06:45:00+0100", "2026-11-21T06:45:00+24:00", "2026-02-29T00:00:00Z",
    "1900-02-29T00:00:00Z", "2026-00-01T00:00:00Z", "2026-01-00T00:00:00Z", "2026-04-31T00:00:00Z",
    "2026-11-21T06:45:00ZZ", "2026-11-21T06:45:61Z", "2026-11-21T06:45:60Z", "2026-11-20T23:59:60Z",
    "2262-04-11T23:47:16.854775808Z", "1677-09-21T00:12:43.145224191Z", "9999-12-31T23:59:59Z", "0000-01-01T00:00:00Z",
    "2026-11-21T06:45:00+01:00 ", " 2026-11-21T06:45:00Z", "2026-11-21T06:45:00+1:000", "2026-11-21T06:45:00,5Z",
  ])
  func parse_GivesNothing_WhenTheTextIsNoTimestampThatCanBeKept(text: String) {
    #expect(RFC3339.parse(text) == nil)
  }

  @Test func writeAndParse_AreInverse_OverTheWholeRange() {
    let random = SeededRandom(11)
    var values: [Int64] = [.min, .max, 0, -1, 1, 86_400_000_000_000, -86_400_000_000_000]
    for _ in 0..<20_000 { values.append(Int64(bitPattern: random.next())) }
    for value in values {
      let text = RFC3339.string(value, fractionDigits: 9)
      #expect(text.utf8.count == RFC3339.nanosecondLength)
      #expect(RFC3339.parse(text) == value, "\(text)")
    }
  }

  @Test func string_CutsTheFraction() {
    let instant: Int64 = 1_795_243_500_129_999_999
    #expect(RFC3339.string(instant, fractionDigits: 0) == "2026-11-21T06:45:00Z")
    #expect(RFC3339.string(instant, fractionDigits: 3) == "2026-11-21T06:45:00.129Z")
    #expect(RFC3339.string(instant, fractionDigits: 9) == "2026-11-21T06:45:00.129999999Z")
  }

  @Test func days_CountOnByOne_AcrossFourCenturies() throws {
    var expected = try #require(RFC3339.parse("1700-01-01T00:00:00Z"))
    for year in 1700...2200 {
      for month in 1...12 {
        let isLeap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
        for day in 1...[31, isLeap ? 29 : 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31][month - 1] {
          let text = RFC3339.string(expected, fractionDigits: 0)
          #expect(text == "\(year)-\(month < 10 ? "0" : "")\(month)-\(day < 10 ? "0" : "")\(day)T00:00:00Z")
          expected += 86_400_000_000_000
        }
      }
    }
  }
}

@Suite struct WireDateTests {
  @Test func httpDate_HasKnownAnswers() {
    #expect(HTTPDate.string(seconds: 784_111_777) == "Sun, 06 Nov 1994 08:49:37 GMT")
    #expect(HTTPDate.parse("Sun, 06 Nov 1994 08:49:37 GMT") == 784_111_777)
    #expect(HTTPDate.string(seconds: 0) == "Thu, 01 Jan 1970 00:00:00 GMT")
    #expect(HTTPDate.parse("Sat, 21 Nov 2026 06:45:00 GMT") == 1_795_243_500)
  }

  @Test(arguments: [
    "", "Sunday, 06-Nov-94 08:49:37 GMT", "Sun Nov  6 08:49:37 1994", "1994-11-06T08:49:37Z",
    "Mon, 06 Nov 1994 08:49:37 GMT",
    "Sun, 06 Nov 1994 08:49:37 UTC", "Sun, 6 Nov 1994 08:49:37 GMT", "Sun, 06 nov 1994 08:49:37 GMT",
    "Sun, 31 Feb 1994 08:49:37 GMT", "Sun, 06 Nov 1994 24:49:37 GMT",
  ])
  func httpDate_RefusesOtherForms(text: String) { #expect(HTTPDate.parse(text) == nil) }

  @Test func amzDate_HasKnownAnswers() {
    #expect(AmzDate.string(seconds: 1_440_938_160) == "20150830T123600Z")
    #expect(AmzDate.parse("20150830T123600Z") == 1_440_938_160)
    for text in [
      "", "20150830T123600", "20150830 123600Z", "20150230T123600Z", "20150830T126000Z", "2015-08-30T12:36Z",
    ] {
      #expect(AmzDate.parse(text) == nil, "\(text)")
    }
  }
}
