import API
import EventStore
import HTTPModel
import HTTPTypes
import Logging
import ObjectStore
import Observability
import Primitives
import TestSupport
import Testing

/// The whole way in memory: handler, real event store, in-memory bucket.
@Suite(.timeLimit(.minutes(1))) struct RealStoreTests {
  private func withService(
    _ use: (Service, @Sendable (Int) -> String) async throws -> Void
  ) async throws {
    let folder = TemporaryFolder()
    let clock = SystemClock()
    let store = EventStore(
      settings: EventStoreSettings(dataFolder: folder.path), objects: InMemoryObjectStore(), clock: clock,
      random: SystemRandom(), executors: .threads(), pause: { try? await systemSleep($0) },
      metrics: MetricRegistry(), logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
    try await store.start()
    let start = clock.wallNanoseconds() - 3_600_000_000_000
    // Call 0 to 9, one event a millisecond.
    let event: @Sendable (Int) -> String = { number in
      let time = RFC3339.string(start + Int64(number) * 1_000_000, fractionDigits: 9)
      return Sample.event(
        callId: "\"call-\(number % 10)\"", type: number % 2 == 0 ? #""ringing""# : #""ended""#, time: "\"\(time)\"",
        more: #","metadata":{"n":\#(number).0}"#)
    }
    try await use(try Service(real: store), event)
    await store.drain(deadline: .seconds(5))
  }

  private func numbers(_ page: JSONValue) -> [Int] {
    (page["events"]?.arrayValue ?? []).compactMap { event in
      guard case .number(let text)? = event["metadata"]?["n"] else { return nil }
      return text.hasSuffix(".0") ? Int(text.dropLast(2)) : nil
    }
  }

  private func pages(_ service: Service, _ query: String, limit: Int) async throws -> [Int] {
    var all: [Int] = []
    var token: String?
    repeat {
      let response = await service.get(
        "\(Service.events)?limit=\(limit)\(query)" + (token.map { "&nextToken=\($0)" } ?? ""))
      #expect(response.status == .ok, "\(response.text)")
      let page = try response.json()
      let numbers = numbers(page)
      #expect(page["count"]?.intValue == numbers.count)
      #expect(numbers.count <= limit)
      all += numbers
      token = page["nextToken"]?.stringValue
    } while token != nil
    return all
  }

  @Test func event_IsReadBack_ByIdByCallAndByReceipt() async throws {
    try await withService { service, event in
      let stored = await service.post(event(5))
      #expect(stored.status.code == 201)
      let location = try #require(stored.fields[.location])
      let one = await service.get(location)
      #expect(one.status == .ok)
      let value = try one.json()
      #expect(value["eventId"] == (try stored.json())["eventId"])
      #expect(value["callId"]?.stringValue == "call-5")
      #expect(value["createdAt"]?.stringValue.flatMap { RFC3339.parse($0) } != nil)
      #expect(one.text.contains(#""metadata":{"n":5.0}"#))
      let tag = try #require(one.fields[.eTag])
      #expect(await service.get(location, [("If-None-Match", tag)]).status == .notModified)

      let page = await service.get(Service.events + "?callId=call-5")
      #expect(page.text == #"{"events":[\#(one.text)],"count":1,"nextToken":null}"#)
      let receipt = try await service.get(location + "/receipt").json()
      #expect(receipt["durability"]?.stringValue == "journal")
      #expect(receipt["crc32c"]?.stringValue?.utf8.count == 8)
      #expect(await service.get(Service.events + "/evt_00000000000000000000000000").status.code == 404)
    }
  }

  @Test func paging_GivesEachEventOnce_InBothOrders_ForEveryLimit() async throws {
    try await withService { service, event in
      // Out of order, in an array and in lines.
      let shuffled = (0..<120).map { ($0 * 77) % 120 }
      let array = "[" + shuffled.prefix(60).map(event).joined(separator: ",") + "]"
      #expect(await service.post(array).status.code == 201)
      let lines = shuffled.dropFirst(60).map(event).joined(separator: "\n")
      #expect(await service.post(lines, type: "application/x-ndjson").status.code == 201)
      for limit in [1, 7, 100, 1000] {
        #expect(try await pages(service, "", limit: limit) == Array(0..<120))
        #expect(try await pages(service, "&order=desc", limit: limit) == Array((0..<120).reversed()))
        #expect(try await pages(service, "&callId=call-3", limit: limit) == Array(stride(from: 3, to: 120, by: 10)))
        #expect(try await pages(service, "&eventType=ended&callId=call-2", limit: limit) == [])
      }
      let first = try await service.get(Service.events + "?limit=40").json()
      let second = try await service.get(
        Service.events + "?limit=1000&nextToken=\(try #require(first["nextToken"]?.stringValue))"
      ).json()
      #expect(numbers(second) == Array(40..<120))
      let bound = try #require(first["events"]?.arrayValue?[10]["timestamp"]?.stringValue)
      #expect(try await pages(service, "&startTime=\(bound)", limit: 100).first == 10)
      #expect(try await pages(service, "&endTime=\(bound)", limit: 100) == Array(0..<10))
    }
  }

  /// Any 128 bits may be asked for, also of times that no event can have.
  @Test(arguments: [
    "evt_00000000000000000000000000", "evt_7ZZZZZZZZZZZZZZZZZZZZZZZZZ", "evt_0NRZ7Q4E1R2K3M4N5P6Q7R8S9T",
    "evt_08CDXX0PQN0000000000000000", "evt_08CDXX0PQPZZZZZZZZZZZZZZZZ", "evt_08CDXX0PQQ0000000000000000",
  ])
  func unknownId_Is404_WhateverItsTime(_ id: String) async throws {
    try await withService { service, _ in
      #expect(await service.get("\(Service.events)/\(id)").status.code == 404)
      #expect(await service.get("\(Service.events)/\(id)/receipt").status.code == 404)
    }
  }

  @Test func objectStoreAcknowledgement_IsReached_AndTheReceiptNamesTheSegment() async throws {
    try await withService { service, event in
      let response = await service.post(event(1), [("Acknowledge", "object-store")])
      #expect(response.status.code == 201)
      #expect(try response.json()["durability"]?.stringValue == "object-store")
      let receipt = try await service.get(try #require(response.fields[.location]) + "/receipt").json()
      #expect(receipt["durability"]?.stringValue == "object-store")
      #expect(receipt["segment"]?.stringValue?.hasPrefix("inbox/") == true)
      #expect(receipt["uploadedAt"]?.stringValue != nil)
    }
  }

  @Test func keyedEvent_HasOneId_HoweverOftenItIsSent() async throws {
    try await withService { service, event in
      let keyed = String(event(1).dropLast()) + #","idempotencyKey":"k-1"}"#
      let ids = [try await service.post(keyed).json()["eventId"], try await service.post(keyed).json()["eventId"]]
      #expect(ids[0] != nil && ids[0] == ids[1])
      #expect(try await service.get(Service.events + "?callId=call-1").json()["count"]?.intValue == 1)
    }
  }

  @Test func health_IsHealthy_OnceTheStoreAnswered() async throws {
    try await withService { service, _ in
      let health = try await service.get("/health", key: nil).json()
      #expect(health["status"]?.stringValue == "healthy")
    }
  }
}

@Suite struct StoreKeyObjectTests {
  @Test func keysInTheBucket_AreWrittenConditionally() async throws {
    let store = InMemoryObjectStore()
    let first = StoreKeyObject(store)
    let second = StoreKeyObject(store)
    #expect(try await first.get() == nil)
    #expect(try await first.put([1], replacing: nil))
    #expect(try await !second.put([2], replacing: nil))
    let found = try #require(try await second.get())
    #expect(found.bytes == [1])
    #expect(try await second.put([2], replacing: found.version))
    #expect(try await !first.put([3], replacing: found.version))
    #expect(try await first.get()?.bytes == [2])
  }
}
