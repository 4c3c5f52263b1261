import Primitives
import TestSupport
import Testing

@testable import EventStore

@Suite struct EventBatchTests {
  private func line(_ batch: EventBatch, _ index: Int = 0) -> String {
    let event = batch.events[index]
    return String(decoding: batch.bytes[Int(event.start)..<Int(event.start + event.length)], as: UTF8.self)
  }

  @Test func line_KeepsMetadataAndTimestampAsSent_WhenAnEventIsAccepted() throws {
    let metadata = "{\"n\": 1.50e+2, \"x\":[1,\n2],\t\"ü\":\"\\u00fc\"}"
    let text =
      " {\"metadata\":\(metadata),\"timestamp\":\"2026-11-21T07:45:00.5+01:00\","
      + "\"eventType\":\"answered\",\"callId\":\"a\\u0062/ü\"} "
    let batch = try batch([text])
    let id = batch.eventId(at: 0)
    let kept = metadata.replacing("\n", with: " ")
    #expect(
      line(batch)
        == "{\"eventId\":\"\(id)\",\"callId\":\"ab/ü\",\"eventType\":\"answered\","
        + "\"timestamp\":\"2026-11-21T07:45:00.5+01:00\",\"createdAt\":\"\(Line.hole)\",\"metadata\":\(kept)}")
    #expect(id.milliseconds == testNow / 1_000_000 + 500)
    #expect(Array("ab/ü".utf8).withRawBytes { EventID.callHash($0) } == id.callHash)
    #expect(batch.callId(at: 0) == "ab/ü")
    #expect(batch.eventType(at: 0) == "answered")
    #expect(String(decoding: batch.timestampLiteral(at: 0), as: UTF8.self) == "\"2026-11-21T07:45:00.5+01:00\"")
  }

  @Test func lineView_FindsTheValuesAgain_WhenALineWasStamped() throws {
    var batch = try batch(
      [eventJSON("c\\\"1\\\\", "hold", at: 1.25, metadata: "{\"a\":\"}\"}", key: "k")], salt: [1, 2])
    let created = testNow + 123_456_789
    let event = batch.events[0]
    var bytes = Array(line(batch).utf8)
    bytes.withUnsafeMutableBytes { RFC3339.write(created, to: $0.baseAddress! + Int(event.createdAt)) }
    let view = try bytes.withRawBytes { (line: UnsafeRawBufferPointer) throws(DamagedLine) in try LineView(line) }
    #expect(view.key == EventKey(instant: testNow + 1_250_000_000, tie: 0, id: event.key.id))
    #expect(view.createdAt == created)
    #expect(String(decoding: bytes[view.callId], as: UTF8.self) == "c\\\"1\\\\")
    #expect(view.metadata.map { String(decoding: bytes[$0], as: UTF8.self) } == "{\"a\":\"}\"}")
    #expect(view.idempotencyKey.map { String(decoding: bytes[$0], as: UTF8.self) } == "k")
    for cut in [0, 10, 60, bytes.count - 2] {
      #expect(throws: DamagedLine.self) {
        try Array(bytes[..<cut]).withRawBytes { (line: UnsafeRawBufferPointer) throws(DamagedLine) in try LineView(line)
        }
      }
    }
    batch = try EventStoreTests.batch([eventJSON("c")])
    #expect(batch.count == 1)
  }

  @Test func keyedIds_AreEqual_WhenTheEventIsEqual_AndDiffer_WhenAnythingDiffers() throws {
    let salt = Array(repeating: UInt8(7), count: 32)
    func id(_ text: String, _ salt: [UInt8], seed: UInt64) throws -> EventID {
      try batch([text], salt: salt, seed: seed).eventId(at: 0)
    }
    let first = try id(eventJSON("c", metadata: "{}", key: "k"), salt, seed: 1)
    #expect(try id(eventJSON("c", metadata: "{}", key: "k"), salt, seed: 2) == first)
    #expect(first.isKeyed)
    let others = [
      try id(eventJSON("c", metadata: "{ }", key: "k"), salt, seed: 1),
      try id(eventJSON("c", metadata: "{}", key: "l"), salt, seed: 1),
      try id(eventJSON("c", "hold", metadata: "{}", key: "k"), salt, seed: 1),
      try id(eventJSON("c", at: 1, metadata: "{}", key: "k"), salt, seed: 1),
      try id(eventJSON("c", metadata: "{}", key: "k"), [1], seed: 1),
      try id(eventJSON("c", metadata: "{}"), salt, seed: 1),
    ]
    #expect(Set(others + [first]).count == others.count + 1)
    // The same key: the same upper 23 of the 47 bits, so a changed payload is found beside the first.
    #expect(others[0].unique >> 24 == first.unique >> 24)
    #expect(others[1].unique >> 24 != first.unique >> 24)
  }

  @Test func keyedEvent_IsNotGuessedAt_WhenTheSaltIsUnknown() throws {
    var batch = try batch([])
    #expect(try batch.append(text: eventJSON("c", key: "k")) == .saltUnknown)
    #expect(batch.count == 0)
    #expect(batch.bytes.isEmpty)
  }

  @Test func append_LeavesNothingBehind_WhenGarbageFollowsTheEvent() throws {
    var batch = try batch([eventJSON("c")])
    let size = batch.bytes.count
    #expect(throws: JSONError.self) { try batch.append(text: eventJSON("d") + " x") }
    #expect(batch.count == 1)
    #expect(batch.bytes.count == size)
  }

  @Test func errors_NameEveryBrokenRule_WhenSeveralAreBroken() throws {
    var batch = try batch([])
    let text = "{\"callId\":7,\"eventType\":\"a b\",\"extra\":1,\"eventId\":\"x\",\"metadata\":[],\"callId\":\"x\"}"
    guard case .rejected(let errors) = try batch.append(text: text) else {
      Issue.record("accepted")
      return
    }
    #expect(Set(errors.map(\.field)) == ["callId", "eventType", "extra", "eventId", "metadata", "timestamp"])
    #expect(errors.contains { $0.field == "extra" && $0.message.contains("put it under metadata") })
  }

  @Test(arguments: [
    ("callId", "\"\(String(repeating: "x", count: 257))\""), ("callId", "\"\""), ("callId", "\"a\\u0000b\""),
    ("callId", "\"a\\u0085\""),
    ("eventType", "\"\(String(repeating: "x", count: 65))\""), ("eventType", "\"ü\""),
    ("timestamp", "\"2026-11-21T06:45:00\""),
    ("timestamp", "\"2026-11-21T06:45:00.1234567890Z\""), ("timestamp", "\"1969-12-31T23:59:59Z\""),
    ("timestamp", "\"2026-11-22T06:45:01Z\""),
    ("idempotencyKey", "\"\""), ("idempotencyKey", "\"\(String(repeating: "k", count: 129))\""), ("metadata", "null"),
  ]) func value_IsRefused_WhenItBreaksItsRule(field: String, value: String) throws {
    var members = ["callId": "\"c\"", "eventType": "\"t\"", "timestamp": "\"2026-11-21T06:45:00Z\""]
    var batch = try batch([])
    members[field] = value
    let text = "{" + members.map { "\"\($0.key)\":\($0.value)" }.joined(separator: ",") + "}"
    guard case .rejected(let errors) = try batch.append(text: text) else {
      Issue.record("accepted \(value)")
      return
    }
    #expect(errors.map(\.field) == [field])
  }

  @Test func errors_AreBounded_WhenTheTextIsMadeOfThem() throws {
    var batch = try batch([])
    for member in ["\"a\":1", "\"callId\":\"c\""] {
      let text = "{" + Array(repeating: member, count: 5000).joined(separator: ",") + "}"
      guard case .rejected(let errors) = try batch.append(text: text) else {
        Issue.record("accepted")
        continue
      }
      #expect((1...32).contains(errors.count))
    }
  }

  @Test func lengths_AreCountedInCharacters_WhenTheTextIsNotASCII() throws {
    #expect(try batch([eventJSON(String(repeating: "ü", count: 256))]).count == 1)
    #expect(try batch([eventJSON(String(repeating: "ü", count: 257))]).count == 0)
  }

  @Test func event_IsTooLarge_WhenItsTextIsAboveTheBound() throws {
    var limits = EventLimits()
    limits.maxBytes = 200
    var batch = EventBatch(limits: limits, now: testNow, random: SeededRandom(1), salt: nil)
    #expect(
      try batch.append(text: eventJSON("c", metadata: "{\"x\":\"\(String(repeating: "y", count: 200))\"}")) == .tooLarge
    )
    #expect(try batch.append(text: eventJSON("c")) == .accepted(0))
  }
}
