// `callflow verify`: a running deployment from outside, step by step, as a customer's first minutes go. Stores one
// event of its own call.

import EventLoop
import HTTPTypes
import Primitives

package struct SmokeTest: Sendable {
  private let client: ServiceClient
  private let key: String?
  private let basePath: String
  private let clock: any Clock
  private let random: any RandomSource

  /// `basePath`: `http.base_path`, without a slash at its end.
  package init(
    client: ServiceClient, key: String?, basePath: String, clock: any Clock = SystemClock(),
    random: any RandomSource = SystemRandom()
  ) {
    self.client = client
    self.key = key
    self.basePath = basePath
    self.clock = clock
    self.random = random
  }

  private struct Failure: Error {
    let text: String
  }

  /// What the steps hand on.
  private struct Stored {
    var callId: String
    var eventId = ""
    var timestamp: String
  }

  /// Prints a line a check and goes on after failures that the next checks do not need; true where all passed.
  package func run(print: (String) -> Void) async -> Bool {
    var stored = Stored(
      callId: "callflow-verify-\(Hex.string(withUnsafeBytes(of: random.next()) { Array($0) }))",
      timestamp: RFC3339.string(clock.wallNanoseconds(), fractionDigits: 9))
    var isGood = await check("health", print) { try await health() }
    isGood = await check("refused without a key", print) { try await refused() } && isGood
    guard let key else {
      print("FAILED  key: give one by CALLFLOW_KEY or --key-file; the other checks need it")
      return false
    }
    guard await check("event stored", print, { try await store(&stored, key) }) else { return false }
    let event = stored
    isGood = await check("read back by id", print) { try await readByID(event, key) } && isGood
    isGood = await check("read back by call", print) { try await readByCall(event, key) } && isGood
    isGood = await check("metrics", print) { try await metrics(key) } && isGood
    return isGood
  }

  /// `--receipt ID`: where one event's bytes are.
  package func receipt(_ id: String, print: (String) -> Void) async -> Bool {
    guard let key else {
      print("FAILED  key: give one by CALLFLOW_KEY or --key-file")
      return false
    }
    return await check("receipt of \(id)", print) {
      guard EventID(id) != nil else { throw Failure(text: "this is no event id") }
      let answer = try await expect(200, .get, "\(basePath)/callflow/events/\(id)/receipt", key: key)
      let durability = answer.json?["durability"]?.stringValue ?? "?"
      guard durability == "object-store" else { throw Failure(text: "durability is \(durability), not object-store") }
      return "\(answer.json?["segment"]?.stringValue ?? "?"), crc32c \(answer.json?["crc32c"]?.stringValue ?? "?")"
    }
  }

  private func check(
    _ name: String, _ print: (String) -> Void, _ body: () async throws -> String
  ) async -> Bool {
    do {
      print("ok      \(name): \(try await body())")
      return true
    } catch let failure as Failure {
      print("FAILED  \(name): \(failure.text)")
    } catch {
      print("FAILED  \(name): \(error)")
    }
    return false
  }

  // MARK: Steps

  private func health() async throws -> String {
    let answer = try await expect(200, .get, "/health")
    guard let status = answer.json?["status"]?.stringValue else { throw Failure(text: "no status in \(brief(answer))") }
    return status
  }

  private func refused() async throws -> String {
    _ = try await expect(401, .get, "\(basePath)/callflow/events?limit=1")
    return "401"
  }

  private func store(_ stored: inout Stored, _ key: String) async throws -> String {
    let event = """
      {"callId":"\(stored.callId)","eventType":"initiated","timestamp":"\(stored.timestamp)","metadata":{"verify":1.50}}
      """
    let answer = try await expect([201, 202], .post, "\(basePath)/callflow/events", key: key, json: event)
    guard let id = answer.json?["eventId"]?.stringValue, EventID(id) != nil else {
      throw Failure(text: "no eventId in \(brief(answer))")
    }
    stored.eventId = id
    return "\(id), durability \(answer.json?["durability"]?.stringValue ?? "?")"
  }

  private func readByID(_ stored: Stored, _ key: String) async throws -> String {
    let answer = try await expect(200, .get, "\(basePath)/callflow/events/\(stored.eventId)", key: key)
    guard let event = answer.json else { throw Failure(text: "no JSON in \(brief(answer))") }
    return try same(event, stored)
  }

  private func readByCall(_ stored: Stored, _ key: String) async throws -> String {
    let answer = try await expect(200, .get, "\(basePath)/callflow/events?callId=\(stored.callId)", key: key)
    guard let events = answer.json?["events"]?.arrayValue, events.count == 1 else {
      throw Failure(text: "not exactly one event in \(brief(answer))")
    }
    return try same(events[0], stored)
  }

  /// Numbers keep their digits: 1.50 is not 1.5.
  private func same(_ event: JSONValue, _ stored: Stored) throws -> String {
    guard event["eventId"]?.stringValue == stored.eventId, event["callId"]?.stringValue == stored.callId,
      event["eventType"]?.stringValue == "initiated", event["timestamp"]?.stringValue == stored.timestamp,
      event["metadata"] == .object([("verify", .number("1.50"))])
    else { throw Failure(text: "the event differs: \(String(decoding: event.serialized(), as: UTF8.self))") }
    return "the same event"
  }

  /// Without the scope metrics:read the answer is 403, which shows as well that they are there.
  private func metrics(_ key: String) async throws -> String {
    let answer = try await expect([200, 403], .get, "/metrics", key: key)
    if answer.status == 403 { return "there, and not for this key (scope metrics:read)" }
    guard answer.text.contains("callflow_events_stored_total") else {
      throw Failure(text: "callflow_events_stored_total is absent")
    }
    return "\(answer.text.split(separator: "\n").count { !$0.hasPrefix("#") }) series"
  }

  private func expect(
    _ status: Int, _ method: HTTPRequest.Method, _ target: String, key: String? = nil
  ) async throws -> ServiceClient.Answer { try await expect([status], method, target, key: key) }

  private func expect(
    _ statuses: [Int], _ method: HTTPRequest.Method, _ target: String, key: String? = nil, json: String? = nil
  ) async throws -> ServiceClient.Answer {
    let answer = try await client.send(method, target, key: key, json: json)
    guard statuses.contains(answer.status) else { throw Failure(text: "status \(answer.status): \(brief(answer))") }
    return answer
  }

  private func brief(_ answer: ServiceClient.Answer) -> String { String(answer.text.prefix(300)) }
}
