import API
import EventStore
import HTTPModel
import HTTPTypes
import Primitives
import TestSupport
import Testing

/// CONTRACT 3.1, rule by rule: what breaks it, and the field that the answer names.
@Suite struct EventRuleTests {
  struct Rule: Sendable, CustomTestStringConvertible {
    let body: String
    let field: String
    /// Must be in the message.
    var words = ""
    var testDescription: String { String(body.prefix(120)) }
  }

  private static func long(_ count: Int) -> String { "\"" + String(repeating: "x", count: count) + "\"" }

  /// An event of that many levels: itself is one, metadata's objects are the rest.
  private static func deep(_ depth: Int) -> String {
    #","metadata":"# + String(repeating: #"{"a":"#, count: depth - 1) + "1" + String(repeating: "}", count: depth - 1)
  }

  static let broken: [Rule] = [
    Rule(body: #"{"eventType":"ringing","timestamp":"\#(Sample.time)"}"#, field: "callId", words: "required"),
    Rule(body: Sample.event(callId: "null"), field: "callId", words: "string"),
    Rule(body: Sample.event(callId: "7"), field: "callId", words: "string"),
    Rule(body: Sample.event(callId: #"["a"]"#), field: "callId", words: "string"),
    Rule(body: Sample.event(callId: #""""#), field: "callId", words: "1 to 256"),
    Rule(body: Sample.event(callId: long(257)), field: "callId", words: "1 to 256"),
    Rule(body: Sample.event(callId: #""a\u0007""#), field: "callId", words: "control"),
    Rule(body: Sample.event(callId: #""a\n""#), field: "callId", words: "control"),
    Rule(body: Sample.event(callId: "\"a\u{7f}\""), field: "callId", words: "control"),
    Rule(body: Sample.event(callId: "\"a\u{85}\""), field: "callId", words: "control"),

    Rule(body: #"{"callId":"a","timestamp":"\#(Sample.time)"}"#, field: "eventType", words: "required"),
    Rule(body: Sample.event(type: "true"), field: "eventType", words: "string"),
    Rule(body: Sample.event(type: #""""#), field: "eventType", words: "1 to 64"),
    Rule(body: Sample.event(type: long(65)), field: "eventType", words: "1 to 64"),
    Rule(body: Sample.event(type: #""is ringing""#), field: "eventType"),
    Rule(body: Sample.event(type: #""läutet""#), field: "eventType"),
    Rule(body: Sample.event(type: #""a/b""#), field: "eventType"),

    Rule(body: #"{"callId":"a","eventType":"ringing"}"#, field: "timestamp", words: "required"),
    Rule(body: Sample.event(time: "1795243500"), field: "timestamp", words: "string"),
    Rule(body: Sample.event(time: #""2026-11-21T06:44:59""#), field: "timestamp", words: "offset"),
    Rule(body: Sample.event(time: #""2026-11-21""#), field: "timestamp"),
    Rule(body: Sample.event(time: #""2026-11-21 06:44:59Z""#), field: "timestamp"),
    Rule(body: Sample.event(time: #""2026-13-21T06:44:59Z""#), field: "timestamp"),
    Rule(body: Sample.event(time: #""2026-02-30T06:44:59Z""#), field: "timestamp"),
    Rule(body: Sample.event(time: #""2026-11-21T25:44:59Z""#), field: "timestamp"),
    Rule(body: Sample.event(time: #""2026-11-21T06:44:59.1234567890Z""#), field: "timestamp", words: "9"),
    Rule(body: Sample.event(time: #""2016-11-20T06:45:00Z""#), field: "timestamp", words: "older"),
    Rule(body: Sample.event(time: #""2026-11-22T06:45:00.000000001Z""#), field: "timestamp", words: "ahead"),

    Rule(body: Sample.event(more: #","metadata":[]"#), field: "metadata", words: "object"),
    Rule(body: Sample.event(more: #","metadata":"a""#), field: "metadata", words: "object"),
    Rule(body: Sample.event(more: #","metadata":null"#), field: "metadata", words: "object"),

    Rule(body: Sample.event(more: #","idempotencyKey":"""#), field: "idempotencyKey", words: "1 to 128"),
    Rule(body: Sample.event(more: ",\"idempotencyKey\":" + long(129)), field: "idempotencyKey", words: "1 to 128"),
    Rule(body: Sample.event(more: #","idempotencyKey":7"#), field: "idempotencyKey", words: "string"),
    Rule(body: Sample.event(more: #","idempotencyKey":"\u0000""#), field: "idempotencyKey", words: "control"),

    Rule(body: Sample.event(more: #","eventId":"evt_00000000000000000000000000""#), field: "eventId", words: "service"),
    Rule(body: Sample.event(more: #","createdAt":"2026-11-21T06:44:59Z""#), field: "createdAt", words: "service"),
    Rule(body: Sample.event(more: #","agent":"x""#), field: "agent", words: "put it under metadata"),
    Rule(body: Sample.event(more: #","CallId":"x""#), field: "CallId", words: "put it under metadata"),
    Rule(body: Sample.event(more: #","":1"#), field: "", words: "put it under metadata"),

    Rule(body: Sample.event(more: #","callId":"b""#), field: "callId", words: "twice"),
    Rule(body: Sample.event(more: #","c\u0061llId":"b""#), field: "callId", words: "twice"),
    Rule(body: Sample.event(more: #","metadata":{},"metadata":{}"#), field: "metadata", words: "twice"),

    Rule(body: Sample.event(more: deep(65)), field: "body", words: "byte"),
    Rule(body: Sample.event(more: #","metadata":{"a":"\ud800"}"#), field: "body", words: "byte"),
    Rule(body: Sample.event(more: #","metadata":{"a":01}"#), field: "body", words: "byte"),
    Rule(body: Sample.event(more: ","), field: "body", words: "byte"),
    Rule(body: Sample.event() + "x", field: "body", words: "byte"),
    Rule(body: "\u{feff}" + Sample.event(), field: "body", words: "byte"),
    Rule(body: String(Sample.event().dropLast()), field: "body", words: "byte"),
    Rule(body: "", field: "body"), Rule(body: "  ", field: "body"),
    Rule(body: "7", field: "body", words: "object"), Rule(body: #""a""#, field: "body", words: "object"),
    Rule(body: "null", field: "body", words: "object"),
  ]

  @Test(arguments: broken)
  func post_Is400NamingTheField_WhenARuleIsBroken(_ rule: Rule) async throws {
    let service = try Service()
    let response = await service.post(rule.body)
    #expect(response.status.code == 400)
    #expect(response.code == "VALIDATION_ERROR")
    #expect(response.fieldNames == [rule.field])
    let message = try response.json()["error"]?["details"]?.arrayValue?.first?["message"]?.stringValue
    #expect(message?.contains(rule.words.isEmpty ? " " : rule.words) == true)
    #expect(try response.json()["detail"]?.stringValue == message)
    #expect(service.fake.read(\.committed.count) == 0)
  }

  @Test func post_NamesEveryBrokenRule_NotOnlyTheFirst() async throws {
    let response = try await Service().post(#"{"eventType":7,"extra":1}"#)
    #expect(Set(response.fieldNames) == ["callId", "eventType", "timestamp", "extra"])
  }

  static let good = [
    Sample.event(), Sample.event(callId: long(256)),
    Sample.event(callId: "\"" + String(repeating: "📞", count: 256) + "\""),
    Sample.event(callId: #""\u00e9 \" \\ /""#), Sample.event(type: long(64)), Sample.event(type: #""A.b_C:d-9""#),
    Sample.event(time: #""2026-11-21T07:44:59.123456789+01:00""#), Sample.event(time: #""2026-11-21t06:44:59z""#),
    Sample.event(time: #""2026-11-22T06:45:00Z""#), Sample.event(time: #""2016-11-24T06:45:00Z""#),
    Sample.event(more: #","metadata":{}"#), Sample.event(more: deep(64)),
    Sample.event(more: #","metadata":{"a":1,"a":2,"n":1e999}"#),
    Sample.event(more: ",\"idempotencyKey\":" + long(128)), " \t\r\n" + Sample.event() + "\n ",
  ]

  @Test(arguments: good)
  func post_Is201_WhenAllRulesHold(_ body: String) async throws {
    let service = try Service()
    let response = await service.post(body)
    #expect(response.status.code == 201, "\(response.text)")
    #expect(service.fake.read(\.committed.count) == 1)
  }

  @Test func invalidUTF8_Is400() async throws {
    var bytes = Array(Sample.event(more: #","metadata":{"a":"?"}"#).utf8)
    let place = try #require(bytes.firstIndex(of: UInt8(ascii: "?")))
    bytes[place] = 0xFF
    let response = try await Service().post(bytes: bytes)
    #expect(response.status.code == 400)
    #expect(response.fieldNames == ["body"])
  }

  @Test func eventAboveTheBound_Is413() async throws {
    var settings = APISettings()
    settings.eventLimits.maxBytes = 200
    let service = try Service(settings: settings)
    let fill = { (count: Int) in
      Sample.event(more: #","metadata":{"a":""# + String(repeating: "x", count: count) + "\"}")
    }
    let room = 200 - fill(0).utf8.count
    #expect(await service.post(fill(room)).status.code == 201)
    let response = await service.post(fill(room + 1))
    #expect(response.status.code == 413)
    #expect(response.code == "PAYLOAD_TOO_LARGE")
  }

  /// FAULTS 21: every file of the corpus as a body.
  @Test func corpusOfJSON_IsNeverStoredAndNeverCrashes() async throws {
    guard let folder = Corpora.folder("json") else { return }
    let service = try Service()
    var counts = ["y": 0, "n": 0, "i": 0]
    for name in Corpora.files(in: folder, suffix: ".json") {
      let bytes = try Corpora.bytes("\(folder)/\(name)")
      let kind = String(name.prefix(1))
      let response = await service.post(bytes: bytes)
      #expect(response.status.code == 400 || (kind == "y" && response.status.code == 201), "\(name)")
      if kind == "y" { #expect(!response.text.contains("malformed JSON"), "\(name): \(response.text)") }
      if kind == "n" { #expect(response.code == "VALIDATION_ERROR", "\(name)") }
      counts[kind, default: 0] += 1
    }
    #expect(counts == ["y": 95, "n": 188, "i": 35])
    #expect(service.fake.read(\.committed.count) == 0)
  }
}
