import API
import EventStore
import HTTPModel
import HTTPTypes
import Primitives
import TestSupport
import Testing

@Suite struct StoreEventsTests {
  @Test func object_IsAnsweredForItself() async throws {
    let service = try Service()
    let response = await service.post(Sample.event(callId: #""a\u0022é""#))
    let id = service.fake.read(\.committed)[0].batch.eventId(at: 0)
    #expect(response.status.code == 201)
    #expect(response.fields[.location] == "/v1/callflow/events/\(id)")
    #expect(response.fields[.contentType] == "application/json")
    #expect(response.fields[.cacheControl] == "no-store")
    #expect(
      response.text == """
        {"message":"Event stored successfully","eventId":"\(id)","callId":"a\\"é",\
        "timestamp":"\(Sample.time)","durability":"journal"}
        """)
    #expect(service.fake.read(\.committed)[0].acknowledge == nil)
  }

  @Test func objectStore_IsAskedFor_ByTheHeader() async throws {
    let service = try Service()
    service.fake.set { $0.commit = .success(.objectStore) }
    let response = await service.post(Sample.event(), [("acknowledge", "object-store")])
    #expect(response.status.code == 201)
    #expect(try response.json()["durability"]?.stringValue == "object-store")
    #expect(service.fake.read(\.committed)[0].acknowledge == .objectStore)
  }

  @Test func weakerThanAsked_Is202_WithALinkToTheReceipt() async throws {
    let service = try Service()
    let response = await service.post(Sample.event(), [("Acknowledge", "object-store")])
    let id = service.fake.read(\.committed)[0].batch.eventId(at: 0)
    #expect(response.status.code == 202)
    #expect(try response.json()["durability"]?.stringValue == "journal")
    #expect(
      String(decoding: response.fields.bytes, as: UTF8.self).contains(
        "Link: </v1/callflow/events/\(id)/receipt>; rel=\"status\"\r\n"))
    #expect(response.fields[.location] == "/v1/callflow/events/\(id)")
  }

  @Test func weakerThanConfigured_Is202_InABatchToo() async throws {
    var settings = APISettings()
    settings.acknowledge = .objectStore
    let service = try Service(settings: settings)
    #expect(await service.post(Sample.event()).status.code == 202)
    let batch = await service.post("[\(Sample.event())]")
    #expect(batch.status.code == 202)
    #expect(try batch.json()["results"]?.arrayValue?.first?["status"]?.intValue == 202)
    service.fake.set { $0.commit = .success(.objectStore) }
    #expect(await service.post("[\(Sample.event())]").status.code == 201)
  }

  @Test(arguments: ["journal", "", "Object-Store", "object-store, object-store"])
  func acknowledge_Is400_ForOtherValues(_ value: String) async throws {
    let service = try Service()
    let response = await service.post(Sample.event(), [("Acknowledge", value)])
    #expect(response.status.code == 400)
    #expect(response.fieldNames == ["Acknowledge"])
    #expect(service.fake.read(\.committed.count) == 0)
  }

  @Test func idempotencyKeyHeader_IsRefusedHonestly() async throws {
    let service = try Service()
    let response = await service.post(Sample.event(), [("Idempotency-Key", "a")])
    #expect(response.status.code == 501)
    #expect(response.code == "NOT_IMPLEMENTED")
    #expect(response.fieldNames == ["Idempotency-Key"])
    #expect(service.fake.read(\.committed.count) == 0)
  }

  @Test func idempotencyKeyField_NeedsTheSalt() async throws {
    let service = try Service()
    service.fake.set { $0.salt = nil }
    let keyed = Sample.event(more: #","idempotencyKey":"a""#)
    let response = await service.post(keyed)
    #expect(response.status.code == 503)
    #expect(response.fields[.retryAfter] != nil)
    let batch = await service.post("[\(keyed),\(Sample.event())]")
    #expect(batch.status.code == 207)
    #expect(try batch.json()["results"]?.arrayValue?.map { $0["status"]?.intValue } == [503, 201])
    #expect(await service.post(Sample.event()).status.code == 201)
  }

  @Test(arguments: [
    (EventStoreError.cannotStore("disk /secret"), "STORE_UNAVAILABLE"),
    (.unavailable("http://host"), "STORE_UNAVAILABLE"),
    (.busy, "STORE_UNAVAILABLE"), (.shuttingDown, "SHUTTING_DOWN"),
  ])
  func storeFailures_Are503_ThatSayWhenAndNotWhere(_ error: EventStoreError, _ code: String) async throws {
    let service = try Service()
    service.fake.set { $0.commit = .failure(error) }
    for body in [Sample.event(), "[\(Sample.event())]"] {
      let response = await service.post(body)
      #expect(response.status.code == 503)
      #expect(response.code == code)
      #expect(Int(response.fields[.retryAfter] ?? "") ?? 0 > 0)
      #expect(!response.text.contains("secret") && !response.text.contains("host"))
    }
  }

  @Test func body_Is413_WhenItsDeclaredOrRealLengthIsAboveTheBound() async throws {
    var settings = APISettings()
    settings.bodyMaxBytes = 100
    let service = try Service(settings: settings)
    let body = Array(Sample.event().utf8) + Array(repeating: UInt8(ascii: " "), count: 100)
    for chunked in [false, true] {
      let response = await service.send(
        .post, Service.events, [("Content-Type", "application/json")], body: body, chunked: chunked)
      #expect(response.status.code == 413)
      #expect(response.code == "PAYLOAD_TOO_LARGE")
    }
  }

  @Test(arguments: [
    (BodyError.truncated, 400, "MALFORMED_REQUEST"), (.malformed("x"), 400, "MALFORMED_REQUEST"),
    (.timedOut, 408, "REQUEST_TIMEOUT"), (.overloaded, 503, "STORE_UNAVAILABLE"),
    (.tooLarge(limit: 1), 413, "PAYLOAD_TOO_LARGE"),
  ])
  func brokenBodies_StoreNothing(_ error: BodyError, _ status: Int, _ code: String) async throws {
    let service = try Service()
    let request = Request(
      head: .init(.post, Service.events, [("x-api-key", Service.full), ("Content-Type", "application/json")]),
      body: FailingBody(error), connection: ConnectionInfo(clientAddress: "::1", isTLS: false), id: "req_1")
    let response = await service.handler.handle(request)
    #expect(response.status.code == status)
    #expect(response.code == code)
    #expect(service.fake.read(\.committed.count) == 0)
  }

  // MARK: Media types

  @Test(arguments: [
    "application/json", "application/json; charset=utf-8", "Application/JSON;charset=UTF-8",
    #"application/json; charset="utf-8""#, "application/json;v=1", "application/json;",
  ])
  func contentType_IsTaken_WithHarmlessParameters(_ type: String) async throws {
    #expect(try await Service().post(Sample.event(), type: type).status.code == 201)
  }

  @Test(arguments: [
    "text/plain", "", "application/json; charset=iso-8859-1", "application/xml", "json", "application/json+x",
    "application/x-www-form-urlencoded", "application/cloudevents+json", "application/json, application/json",
  ])
  func contentType_Is415_Otherwise(_ type: String) async throws {
    let service = try Service()
    let response = await service.post(Sample.event(), type: type)
    #expect(response.status.code == 415)
    #expect(response.code == "UNSUPPORTED_MEDIA_TYPE")
    #expect(response.fields[.accept] == "application/json, application/x-ndjson")
    #expect(service.fake.read(\.committed.count) == 0)
  }

  @Test func contentType_Is415_WhenMissing_And400_WhenRepeated() async throws {
    let service = try Service()
    let missing = await service.send(.post, Service.events, body: Array(Sample.event().utf8))
    #expect(missing.status.code == 415)
    let repeated = await service.post(Sample.event(), [("Content-Type", "application/json")])
    #expect(repeated.status.code == 400)
    #expect(repeated.fieldNames == ["Content-Type"])
  }

  @Test func contentEncoding_IsIdentityOnly() async throws {
    let service = try Service()
    #expect(await service.post(Sample.event(), [("Content-Encoding", "Identity")]).status.code == 201)
    for coding in ["gzip", "zstd", "gzip, identity"] {
      let response = await service.post(Sample.event(), [("Content-Encoding", coding)])
      #expect(response.status.code == 415)
      #expect(response.fields[.acceptEncoding] == "identity")
    }
  }

  @Test func cloudEventInBinaryMode_Is415_NotTakenForAnEvent() async throws {
    let service = try Service()
    let response = await service.post(Sample.event(), [("ce-specversion", "1.0"), ("ce-id", "1")])
    #expect(response.status.code == 415)
    #expect(service.fake.read(\.committed.count) == 0)
  }

  @Test(arguments: [
    ("*/*", true), ("application/json", true), ("application/*", true), ("text/html, */*;q=0.1", true),
    ("text/html", false), ("application/x-ndjson", false), ("application/json;q=0", false),
    ("*/*, application/json;q=0.000", false), ("application/json;q=0.5", true), ("", true), ("nonsense", true),
    ("text/*;q=0.9, APPLICATION/JSON", true),
  ])
  func accept_DecidesBeforeAnythingIsStored(_ value: String, _ isTaken: Bool) async throws {
    let service = try Service()
    let response = await service.post(Sample.event(), [("Accept", value)])
    #expect(response.status.code == (isTaken ? 201 : 406))
    #expect(service.fake.read(\.committed.count) == (isTaken ? 1 : 0))
    #expect(await service.get(Service.events, [("Accept", value)]).status.code == (isTaken ? 200 : 406))
  }
}

private final class FailingBody: RequestBody {
  private let error: BodyError
  var declaredLength: Int? { nil }
  init(_ error: BodyError) { self.error = error }
  func next() async throws -> [UInt8]? { throw error }
  func withWhole<R: Sendable>(
    maxBytes: Int, _ use: @Sendable (UnsafeRawBufferPointer) throws -> R
  ) async throws -> R { throw error }
}
