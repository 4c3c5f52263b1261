import API
import EventStore
import HTTPModel
import HTTPTypes
import Primitives
import TestSupport
import Testing

@Suite struct ListEventsTests {
  private let service: Service
  private static let key = EventKey(instant: 1, tie: 2, id: EventID(high: 3, low: 4))

  init() throws { service = try Service() }

  private func query(_ text: String) async throws -> EventQuery {
    let response = await service.get(Service.events + text)
    #expect(response.status == .ok, "\(response.text)")
    return try #require(service.fake.read(\.queries).last)
  }

  @Test func defaults_AreThoseOfTheContract() async throws {
    let query = try await query("")
    #expect(query.limit == 100)
    #expect(query.order == .ascending)
    #expect(query.callId == nil && query.eventTypes.isEmpty && query.start == nil && query.end == nil)
    #expect(query.after == nil && !query.isStrong)
  }

  @Test func parameters_BecomeTheQuery() async throws {
    let query = try await query(
      "?callId=a%20b%2Bc+%C3%A9&eventType=ended&eventType=answered&eventType=ended&startTime=1970-01-01T00:00:01Z"
        + "&endTime=1970-01-01T01:00:02%2B01:00&limit=1000&order=desc&consistency=strong")
    #expect(query.callId == Array("a b+c é".utf8))
    #expect(query.eventTypes == ["answered", "ended"])
    #expect(query.start == 1_000_000_000)
    #expect(query.end == 2_000_000_000)
    #expect(query.limit == 1000)
    #expect(query.order == .descending)
    #expect(query.isStrong)
  }

  @Test(arguments: ["1970-01-01T01:00:02+01:00", "1970-01-01T01:00:02%20+01:00".replacing("%20+", with: "%20")])
  func spaceBeforeTheOffset_IsReadAsPlus(_ time: String) async throws {
    #expect(try await query("?startTime=\(time)").start == 2_000_000_000)
  }

  @Test(arguments: [
    ("?callid=a", "callid"), ("?unknown", "unknown"), ("?callId=a&callId=b", "callId"), ("?callId=", "callId"),
    ("?callId=%00", "callId"), ("?callId=%C2%85", "callId"), ("?callId=%FF", "callId"), ("?callId=%", "callId"),
    ("?callId=%4", "callId"), ("?callId=%4G", "callId"), ("?callId=" + String(repeating: "a", count: 257), "callId"),
    ("?eventType=", "eventType"), ("?eventType=a%20b", "eventType"),
    ("?eventType=" + String(repeating: "a", count: 65), "eventType"),
    ("?startTime=yesterday", "startTime"), ("?startTime=2026-11-21T06:45:00", "startTime"),
    ("?startTime=", "startTime"),
    ("?endTime=1", "endTime"), ("?startTime=1970-01-01T00:00:02Z&endTime=1970-01-01T00:00:01Z", "endTime"),
    ("?limit=0", "limit"), ("?limit=1001", "limit"), ("?limit=-1", "limit"), ("?limit=1e2", "limit"),
    ("?limit=", "limit"),
    ("?limit=%2B5", "limit"), ("?limit=99999999999999999999", "limit"), ("?limit=5&limit=5", "limit"),
    ("?order=up", "order"), ("?order=ASC", "order"), ("?consistency=weak", "consistency"), ("?nextToken=", "nextToken"),
    ("?nextToken=abc", "nextToken"), ("?metadata.x=1", "metadata.x"),
    ("?" + (0..<65).map { "eventType=t\($0)" }.joined(separator: "&"), "eventType"),
  ])
  func badParameter_Is400_ThatNamesIt(_ query: String, _ field: String) async throws {
    let response = await service.get(Service.events + query)
    #expect(response.status.code == 400)
    #expect(response.code == "VALIDATION_ERROR")
    #expect(response.fieldNames == [field])
    #expect(service.fake.read(\.queries).isEmpty)
  }

  @Test func emptyPairs_AreNoParameters() async throws {
    #expect(try await query("?").limit == 100)
    #expect(try await query("?&limit=5&&").limit == 5)
  }

  @Test func page_HoldsTheLinesAsTheyAre() async throws {
    service.fake.set {
      $0.page = EventPage(lines: [Array(#"{"a":1.0}"#.utf8), Array("{}".utf8)], next: nil, segmentsScanned: 3)
    }
    let response = await service.get(Service.events)
    #expect(response.text == #"{"events":[{"a":1.0},{}],"count":2,"nextToken":null}"#)
    #expect(response.fields[.contentType] == "application/json")
    #expect(response.fields[.cacheControl] == "no-store")
  }

  @Test func emptyPage_IsAnEmptyArray() async {
    #expect(await service.get(Service.events).text == #"{"events":[],"count":0,"nextToken":null}"#)
  }

  // MARK: nextToken

  private func token(_ query: String) async throws -> String {
    service.fake.set { $0.page = EventPage(lines: [], next: Self.key, segmentsScanned: 0) }
    return try #require(try await service.get(Service.events + query).json()["nextToken"]?.stringValue)
  }

  @Test func nextToken_ContinuesItsQuery_AlsoWithAnotherLimit() async throws {
    let token = try await token("?callId=a&eventType=b&eventType=c&order=desc&limit=5")
    let next = try await query(
      "?eventType=c&eventType=b&order=desc&callId=%61&consistency=strong&limit=7&nextToken=\(token)")
    #expect(next.after == Self.key)
    #expect(next.limit == 7)
  }

  @Test(arguments: [
    "", "?callId=b", "?callId=a&order=desc", "?callId=a&eventType=x", "?callId=a&startTime=1970-01-01T00:00:00Z",
    "?callId=a&endTime=1970-01-01T00:00:00Z",
  ])
  func nextToken_Is400_ForAnotherQuery(_ other: String) async throws {
    let token = try await token("?callId=a")
    let separator = other.isEmpty ? "?" : "&"
    let response = await service.get(Service.events + other + "\(separator)nextToken=\(token)")
    #expect(response.status.code == 400)
    #expect(response.fieldNames == ["nextToken"])
  }

  @Test func nextToken_Is400_WhenAnyByteIsInvented() async throws {
    let token = try await token("")
    let bytes = try #require(Base64URL.decode(token))
    #expect(bytes.count == 49)
    for index in bytes.indices {
      var changed = bytes
      changed[index] ^= 1
      let response = await service.get(Service.events + "?nextToken=\(Base64URL.string(changed))")
      #expect(response.fieldNames == ["nextToken"], "byte \(index)")
    }
    for other in [token + "A", String(token.dropLast()), token + "=", Base64URL.string(Array(bytes.dropLast()))] {
      #expect(await service.get(Service.events + "?nextToken=\(other)").status.code == 400)
    }
  }

  @Test func nextToken_OfAnotherDeployment_Is400() async throws {
    let token = try await token("")
    service.fake.set { $0.salt = Array("other".utf8) }
    #expect(await service.get(Service.events + "?nextToken=\(token)").status.code == 400)
  }

  @Test func nextToken_Is503_WhileTheSaltIsUnknown() async throws {
    let token = try await token("")
    service.fake.set { $0.salt = nil }
    for query in ["?nextToken=\(token)", ""] {
      let response = await service.get(Service.events + query)
      #expect(response.status.code == 503)
      #expect(response.code == "STORE_UNAVAILABLE")
    }
    service.fake.set { $0.page.next = nil }
    #expect(await service.get(Service.events).status == .ok)
  }

  @Test(arguments: [(EventStoreError.unavailable("x"), "5"), (.busy, "1")])
  func storeFailure_Is503_WithRetryAfter(_ error: EventStoreError, _ seconds: String) async {
    service.fake.set { $0.read = error }
    let response = await service.get(Service.events)
    #expect(response.status.code == 503)
    #expect(response.code == "STORE_UNAVAILABLE")
    #expect(response.fields[.retryAfter] == seconds)
  }
}
