import API
import EventStore
import HTTPModel
import HTTPTypes
import Primitives
import TestSupport
import Testing

@Suite struct BatchTests {
  private static let bad = #"{"callId":"a"}"#
  private static let ndjson = "application/x-ndjson"

  private func statuses(_ response: Response) throws -> [Int?] {
    try response.json()["results"]?.arrayValue?.map { $0["status"]?.intValue } ?? []
  }

  @Test(arguments: ["application/json", ndjson])
  func allGood_Is201_WithAResultEach(_ type: String) async throws {
    let service = try Service()
    let events = (0..<12).map { Sample.event(callId: "\"call-\($0)\"") }
    let body = type == Self.ndjson ? events.joined(separator: "\n") : "[\(events.joined(separator: ","))]"
    let response = await service.post(body, type: type)
    #expect(response.status.code == 201)
    #expect(response.fields[.location] == nil)
    let batch = service.fake.read(\.committed)[0].batch
    #expect(batch.count == 12)
    let results = (0..<12).map { #"{"index":\#($0),"status":201,"eventId":"\#(batch.eventId(at: $0))"}"# }
    #expect(response.text == #"{"stored":12,"failed":0,"results":[\#(results.joined(separator: ","))]}"#)
    #expect(batch.callId(at: 11) == "call-11")
  }

  @Test func one_IsStillABatch_InArrayAndLines() async throws {
    let service = try Service()
    for (type, body) in [("application/json", "[\(Sample.event())]"), (Self.ndjson, Sample.event())] {
      let response = await service.post(body, type: type)
      #expect(response.status.code == 201)
      #expect(try statuses(response) == [201])
    }
  }

  @Test func someBad_Is207_AndTheGoodOnesAreStored() async throws {
    let service = try Service()
    let response = await service.post("[\(Sample.event()), \(Self.bad) ,\(Sample.event()), 7, null]")
    #expect(response.status.code == 207)
    #expect(try statuses(response) == [201, 400, 201, 400, 400])
    let value = try response.json()
    #expect(value["stored"]?.intValue == 2)
    #expect(value["failed"]?.intValue == 3)
    let error = value["results"]?.arrayValue?[1]["error"]
    #expect(error?["code"]?.stringValue == "VALIDATION_ERROR")
    #expect(error?["details"]?.arrayValue?.compactMap { $0["field"]?.stringValue } == ["eventType", "timestamp"])
    #expect(service.fake.read(\.committed)[0].batch.count == 2)
  }

  @Test func allBad_IsTheirCommonStatus_Or400() async throws {
    var settings = APISettings()
    settings.eventLimits.maxBytes = 150
    let service = try Service(settings: settings)
    let large = Sample.event(more: #","metadata":{"a":""# + String(repeating: "x", count: 150) + "\"}")
    #expect(await service.post("[\(Self.bad),\(Self.bad)]").status.code == 400)
    #expect(await service.post("[\(large),\(large)]").status.code == 413)
    let mixed = await service.post("[\(large),\(Self.bad)]")
    #expect(mixed.status.code == 400)
    #expect(try statuses(mixed) == [413, 400])
    #expect(service.fake.read(\.committed.count) == 0)
  }

  @Test func badLine_FailsAlone() async throws {
    let service = try Service()
    let lines = [Sample.event(), "{", Sample.event() + "x", "[\(Sample.event())]", Sample.event(), "\u{feff}{}"]
    let response = await service.post(lines.joined(separator: "\n"), type: Self.ndjson)
    #expect(response.status.code == 207)
    #expect(try statuses(response) == [201, 400, 400, 400, 201, 400])
    let details = try response.json()["results"]?.arrayValue?[1]["error"]?["details"]?.arrayValue
    #expect(details?.first?["field"]?.stringValue == "body")
    #expect(details?.first?["message"]?.stringValue?.contains("byte") == true)
  }

  @Test func badArray_FailsWhole() async throws {
    let service = try Service()
    for body in [
      "[\(Sample.event()),]", "[\(Sample.event())", "[\(Sample.event())]x", "[\(Sample.event()) \(Sample.event())]",
    ] {
      let response = await service.post(body)
      #expect(response.status.code == 400, "\(body)")
      #expect(response.fieldNames == ["body"])
    }
    #expect(service.fake.read(\.committed.count) == 0)
  }

  @Test(arguments: [
    ("application/json", "[]"), ("application/json", " [ ] "), (ndjson, ""), (ndjson, "\n"), (ndjson, " \r\n\t\n"),
  ])
  func empty_Is400(_ type: String, _ body: String) async throws {
    let response = try await Service().post(body, type: type)
    #expect(response.status.code == 400)
    #expect(response.fieldNames == ["body"])
  }

  @Test func lines_MayEndWithCRLF_AndBlankOnesAreNoEvents() async throws {
    let service = try Service()
    let body = "\r\n" + Sample.event() + "\r\n\r\n \t\n" + Sample.event() + "\r\n"
    let response = await service.post(body, type: Self.ndjson)
    #expect(response.status.code == 201)
    #expect(try statuses(response) == [201, 201])
  }

  @Test func moreThanMaxBatch_Is413_AndStoresNothing() async throws {
    var settings = APISettings()
    settings.eventLimits.maxBatch = 3
    let service = try Service(settings: settings)
    let three = Array(repeating: Sample.event(), count: 3)
    #expect(await service.post("[\(three.joined(separator: ","))]").status.code == 201)
    #expect(await service.post(three.joined(separator: "\n"), type: Self.ndjson).status.code == 201)
    let four = three + [Self.bad]
    for (type, body) in [
      ("application/json", "[\(four.joined(separator: ","))]"), (Self.ndjson, four.joined(separator: "\n")),
    ] {
      let response = await service.post(body, type: type)
      #expect(response.status.code == 413)
      #expect(response.code == "PAYLOAD_TOO_LARGE")
    }
    #expect(service.fake.read(\.committed.count) == 2)
  }

  @Test func atomic_StoresNothing_WhenOneIsBad() async throws {
    let service = try Service()
    let body = [Sample.event(), Self.bad, Sample.event()].joined(separator: "\n")
    let response = await service.post(body, type: Self.ndjson, query: "?atomic=true")
    #expect(response.status.code == 400)
    #expect(try statuses(response) == [424, 400, 424])
    let value = try response.json()
    #expect(value["stored"]?.intValue == 0)
    #expect(value["failed"]?.intValue == 3)
    #expect(value["results"]?.arrayValue?[0]["error"]?["code"]?.stringValue == "NOT_STORED")
    #expect(service.fake.read(\.committed.count) == 0)
  }

  @Test func atomic_StoresAll_WhenAllAreGood() async throws {
    let service = try Service()
    let response = await service.post("[\(Sample.event()),\(Sample.event())]", query: "?atomic=true")
    #expect(response.status.code == 201)
    #expect(service.fake.read(\.committed)[0].batch.count == 2)
    #expect(await service.post(Sample.event(), query: "?atomic=true").status.code == 201)
    #expect(await service.post("[\(Sample.event()),\(Self.bad)]", query: "?atomic=false").status.code == 207)
  }

  @Test(arguments: [
    ("?atomic=yes", "atomic"), ("?atomic", "atomic"), ("?atomic=true&atomic=true", "atomic"),
    ("?import=true", "import"),
    ("?%61tomic=1", "atomic"), ("?atomic=%zz", "atomic"), ("?%ff=1", "%ff"),
  ])
  func query_Is400NamingTheParameter(_ query: String, _ field: String) async throws {
    let service = try Service()
    let response = await service.post(Sample.event(), query: query)
    #expect(response.status.code == 400)
    #expect(response.fieldNames == [field])
    #expect(service.fake.read(\.committed.count) == 0)
  }
}
