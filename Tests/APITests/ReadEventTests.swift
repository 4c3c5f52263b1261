import API
import EventStore
import HTTPModel
import HTTPTypes
import Primitives
import TestSupport
import Testing

@Suite struct ReadEventTests {
  private let service: Service
  private let id = EventID(high: 1 << 60, low: 77)
  private let line = Array(#"{"eventId":"x","metadata":{"n":1.50}}"#.utf8)
  private var path: String { "\(Service.events)/\(id)" }

  init() throws {
    service = try Service()
    let (id, line) = (id, line)
    service.fake.set { $0.lines[id] = line }
  }

  @Test func event_IsReturnedAsItWasStored() async {
    let response = await service.get(path)
    #expect(response.status == .ok)
    #expect(response.bytes == line)
    #expect(response.fields[.contentType] == "application/json")
    #expect(response.fields[.cacheControl] == "private, no-cache")
    #expect(response.fields[.eTag]?.wholeMatch(of: /"[0-9a-f-]+"/) != nil)
  }

  @Test func ifNoneMatch_Is304_WhenTheTagIsAmongThem() async throws {
    let tag = try #require(await service.get(path).fields[.eTag])
    for value in [tag, "*", "W/\(tag)", "\"a\", \(tag)", "\"a\" ,\(tag) , \"b\""] {
      let response = await service.get(path, [("If-None-Match", value)])
      #expect(response.status == .notModified, "\(value)")
      #expect(response.bytes.isEmpty)
      #expect(response.fields[.eTag] == tag)
      #expect(response.fields[.cacheControl] == "private, no-cache")
    }
    for value in ["\"a\"", "", tag.replacing("\"", with: "")] {
      #expect(await service.get(path, [("If-None-Match", value)]).status == .ok, "\(value)")
    }
  }

  @Test func eTag_DiffersBetweenEvents() async throws {
    let other = EventID(high: 1 << 60, low: 78)
    service.fake.set { $0.lines[other] = Array(#"{"eventId":"y","metadata":{"n":1.50}}"#.utf8) }
    let tags = [await service.get(path).fields[.eTag], await service.get("\(Service.events)/\(other)").fields[.eTag]]
    #expect(tags[0] != tags[1])
  }

  @Test(arguments: [
    "x", "evt_", "evt_0000000000000000000000000", "evt_000000000000000000000000000", "evt_8000000000000000000000000",
    "EVT_00000000000000000000000000", "evt_0000000000000000000000000U", "evt_0000000000000000000000000a", "%zz", "%FF",
    "evt_00000000000000000000000000%20", "..",
  ])
  func badForm_Is400_ThatNamesEventId(_ text: String) async {
    for suffix in ["", "/receipt"] {
      let response = await service.get("\(Service.events)/\(text)\(suffix)")
      #expect(response.status.code == 400)
      #expect(response.fieldNames == ["eventId"])
    }
  }

  @Test func encodedId_IsTheSameId() async {
    let encoded = path.replacing("evt_", with: "%65vt%5F")
    #expect(await service.get(encoded).bytes == line)
  }

  @Test func unknown_Is404() async {
    for suffix in ["", "/receipt"] {
      let response = await service.get("\(Service.events)/evt_00000000000000000000000000\(suffix)")
      #expect(response.status.code == 404)
      #expect(response.code == "NOT_FOUND")
    }
  }

  @Test func unknownParameter_Is400() async {
    let response = await service.get(path + "?consistency=strong")
    #expect(response.status.code == 400)
    #expect(response.fieldNames == ["consistency"])
  }

  @Test func storeFailure_Is503() async {
    service.fake.set { $0.read = .unavailable("x") }
    for suffix in ["", "/receipt"] {
      #expect(await service.get(path + suffix).status.code == 503)
    }
  }

  @Test func receipt_SaysWhereTheEventIs() async {
    let id = id
    service.fake.set {
      $0.receipts[id] = EventReceipt(
        durability: .journal, node: "00000000ff", segment: nil, offset: 12, crc32c: 0xAB, uploadedAt: nil)
    }
    #expect(
      await service.get(path + "/receipt").text == """
        {"durability":"journal","node":"00000000ff","segment":null,"offset":12,"crc32c":"000000ab","uploadedAt":null}
        """)
    service.fake.set {
      $0.receipts[id] = EventReceipt(
        durability: .objectStore, node: "00000000ff", segment: "inbox/a", offset: 0, crc32c: 0xFFFF_FFFF,
        uploadedAt: 1_500_000_000)
    }
    let response = await service.get(path + "/receipt")
    #expect(
      response.text == """
        {"durability":"object-store","node":"00000000ff","segment":"inbox/a","offset":0,"crc32c":"ffffffff",\
        "uploadedAt":"1970-01-01T00:00:01.500Z"}
        """)
    #expect(response.fields[.cacheControl] == "no-store")
  }
}
