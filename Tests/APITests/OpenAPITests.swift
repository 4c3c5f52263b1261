import API
import Auth
import EventStore
import Foundation
import HTTPModel
import HTTPTypes
import Primitives
import TestSupport
import Testing

/// Table and document together, both ways; and the document against what the service really answers.
@Suite struct OpenAPITests {
  private let routes = RouteTable.main(basePath: "/v1")
  private let document: JSONValue

  init() { document = OpenAPIDocument(routes: routes, settings: APISettings()).value }

  private func described(_ route: Route) -> JSONValue? {
    document["paths"]?[route.template]?[route.method.rawValue.lowercased()]
  }

  private func names(_ operation: JSONValue, in place: String) -> [String] {
    (operation["parameters"]?.arrayValue ?? []).filter { $0["in"]?.stringValue == place }
      .compactMap { $0["name"]?.stringValue }
  }

  @Test func everyRoute_IsDocumented_WithItsParametersScopesAndTypes() throws {
    for route in routes {
      let operation = try #require(described(route), "\(route.method) \(route.template)")
      #expect(names(operation, in: "query") == route.query.map(\.name))
      #expect(
        names(operation, in: "path").map { "{\($0)}" }
          == route.template.split(separator: "/").map(String.init).filter { $0.hasPrefix("{") })
      let scopes = operation["x-required-scopes"]?.arrayValue?.compactMap(\.stringValue)
      #expect(scopes == route.scope?.names)
      #expect(operation["security"]?.arrayValue?.isEmpty == (route.scope == nil))
      let types = operation["requestBody"]?["content"]?.objectValue?.map(\.0) ?? []
      #expect(types == route.consumes)
      #expect(operation["summary"]?.stringValue?.isEmpty == false)
    }
  }

  @Test func everyDocumentedOperation_IsARoute() throws {
    let paths = try #require(document["paths"]?.objectValue)
    var count = 0
    for (path, item) in paths {
      for (method, _) in item.objectValue ?? [] {
        #expect(
          routes.contains { $0.template == path && $0.method.rawValue.lowercased() == method }, "\(method) \(path)")
        count += 1
      }
    }
    #expect(count == routes.count)
  }

  @Test func operationIds_AreUnique() {
    let ids = routes.compactMap { described($0)?["operationId"]?.stringValue }
    #expect(ids.count == routes.count)
    #expect(Set(ids).count == ids.count)
  }

  @Test func everyReference_Resolves_AndEveryComponentIsUsed() throws {
    var references: Set<String> = []
    func collect(_ value: JSONValue) {
      if let reference = value["$ref"]?.stringValue { references.insert(reference) }
      for (_, member) in value.objectValue ?? [] { collect(member) }
      for element in value.arrayValue ?? [] { collect(element) }
    }
    collect(document)
    for reference in references {
      let path = reference.split(separator: "/").dropFirst().map(String.init)
      #expect(path.reduce(document as JSONValue?) { $0?[$1] } != nil, "\(reference)")
    }
    for kind in ["schemas", "headers"] {
      for (name, _) in try #require(document["components"]?[kind]?.objectValue) {
        #expect(references.contains("#/components/\(kind)/\(name)"), "\(name) is never used")
      }
    }
  }

  @Test func limits_AreThoseOfTheSettings() throws {
    var settings = APISettings()
    settings.bodyMaxBytes = 4321
    settings.eventLimits.maxBatch = 77
    settings.version = "9.8.7"
    let document = OpenAPIDocument(routes: routes, settings: settings).value
    let text = try #require(document["info"]?["description"]?.stringValue)
    #expect(text.contains("4321 bytes") && text.contains("77 events"))
    #expect(document["info"]?["version"]?.stringValue == "9.8.7")
    #expect(document["openapi"]?.stringValue == "3.0.3")
    #expect(document["servers"]?.arrayValue == [["url": "/"]])
  }

  @Test func examplesOfBodies_AreStored() async throws {
    let service = try Service()
    let post = try #require(routes.first { $0.endpoint == .storeEvents }.flatMap(described))
    let examples = try #require(post["requestBody"]?["content"]?["application/json"]?["examples"]?.objectValue)
    for (name, example) in examples {
      let body = try #require(example["value"]).serialized()
      let response = await service.post(bytes: body)
      #expect(response.status.code == 201, "\(name): \(response.text)")
    }
    #expect(examples.count == 2)
  }

  @Test func everyAnswer_IsADocumentedStatus() async throws {
    var settings = APISettings()
    settings.bodyMaxBytes = 300
    let service = try Service(settings: settings)
    let json: Lines = [("Content-Type", "application/json")]
    let event = Array(Sample.event().utf8)
    let id = "evt_00000000000000000000000000"
    typealias Try = (method: HTTPRequest.Method, path: String, key: String?, lines: Lines, body: [UInt8])
    let tries: [Try] = [
      (.post, Service.events, Service.full, json, event), (.post, Service.events, nil, json, event),
      (.post, Service.events, Service.reader, json, event), (.post, Service.events, Service.full, [], event),
      (.post, Service.events, Service.full, json, Array("[\(Sample.event()),1]".utf8)),
      (.post, Service.events, Service.full, json, []),
      (.post, Service.events, Service.full, json, event + event + event + event),
      (.post, Service.events, Service.full, json + [("Accept", "text/html")], event),
      (.post, Service.events, Service.full, json + [("Idempotency-Key", "a")], event),
      (.post, Service.events, Service.full, json + [("Acknowledge", "object-store")], event),
      (.get, Service.events, Service.full, [], []), (.get, Service.events, nil, [], []),
      (.get, Service.events, Service.writer, [], []), (.get, Service.events + "?limit=0", Service.full, [], []),
      (.get, Service.events, Service.full, [("Accept", "text/html")], []),
      (.get, "\(Service.events)/\(id)", Service.full, [], []), (.get, "\(Service.events)/x", Service.full, [], []),
      (.get, "\(Service.events)/\(id)/receipt", Service.full, [], []), (.get, "/metrics", Service.full, [], []),
      (.get, "/metrics", nil, [], []), (.get, "/health?x=1", nil, [], []), (.get, "/livez", nil, [], []),
      (.get, "/readyz", nil, [("Accept", "text/html")], []), (.get, "/v1/openapi.json", nil, [], []),
    ]
    var seen: Set<String> = []
    for isFailing in [false, true] {
      if isFailing {
        service.fake.set {
          $0.read = .busy
          $0.commit = .failure(.shuttingDown)
          $0.health.canStore = false
        }
      }
      for try_ in tries {
        let response = await service.send(try_.method, try_.path, key: try_.key, try_.lines, body: try_.body)
        let documented = document["paths"]?[response.notes.route]?[try_.method.rawValue.lowercased()]?["responses"]
        let status = String(response.status.code)
        #expect(documented?[status] != nil, "\(try_.method) \(try_.path): \(status)")
        seen.insert(status)
      }
    }
    #expect(
      seen.isSuperset(of: ["200", "201", "202", "207", "400", "401", "403", "404", "406", "413", "415", "501", "503"]))
  }

  @Test func document_IsServedAtBothPaths_AndIsOneJSONObject() async throws {
    let service = try Service()
    let root = await service.get("/openapi.json", key: nil)
    #expect(root.bytes == (await service.get("/v1/openapi.json", key: nil)).bytes)
    #expect(root.fields[.contentType] == "application/json")
    #expect(try root.json() == document)
  }

  /// openapi-spec-validator (PyPI), where CALLFLOW_OPENAPI_VALIDATOR names it.
  @Test func document_IsValid_ForTheValidator() async throws {
    guard let validator = ProcessInfo.processInfo.environment["CALLFLOW_OPENAPI_VALIDATOR"] else {
      print(
        "*** CALLFLOW_OPENAPI_VALIDATOR is not set: openapi-spec-validator DID NOT RUN ***"
      )
      return
    }
    let folder = TemporaryFolder()
    try Data(document.serialized()).write(to: URL(fileURLWithPath: folder.file("openapi.json")))
    let process = Process()
    process.executableURL = URL(fileURLWithPath: validator)
    process.arguments = [folder.file("openapi.json")]
    try process.run()
    process.waitUntilExit()
    #expect(process.terminationStatus == 0)
  }
}
