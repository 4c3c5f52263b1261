import API
import HTTPModel
import HTTPTypes
import TestSupport
import Testing

@Suite struct RoutingTests {
  private let router = Router(RouteTable.main(basePath: "/v1"))

  private func template(_ path: String) -> String? {
    router.match(RequestHead(.get, path)).map { router.resources[$0.resource].template }
  }

  @Test(arguments: [
    ("/v1/callflow/events", "/v1/callflow/events"), ("/v1/callflow/events?callId=a", "/v1/callflow/events"),
    ("/v1/callflow/events/x", "/v1/callflow/events/{eventId}"),
    ("/v1/callflow/events/x/receipt", "/v1/callflow/events/{eventId}/receipt"),
    ("/v1/callflow/%65vents", "/v1/callflow/events"), ("/v1/callflow/events/a%2Fb", "/v1/callflow/events/{eventId}"),
    ("/v1/callflow/events/..", "/v1/callflow/events/{eventId}"),
    ("/v1/callflow/events/%zz", "/v1/callflow/events/{eventId}"),
    ("/health", "/health"), ("/v1/health", "/v1/health"), ("/healthz", "/healthz"), ("/v1/healthz", "/v1/healthz"),
    ("/readyz", "/readyz"), ("/livez", "/livez"), ("/openapi.json", "/openapi.json"),
    ("/v1/openapi.json", "/v1/openapi.json"), ("/metrics", "/metrics"),
  ])
  func match_FindsTheTemplate(_ path: String, _ expected: String) {
    #expect(template(path) == expected)
  }

  @Test(arguments: [
    "/", "", "*", "/v1", "/v1/callflow", "/v1/callflow/events/", "/v1/callflow//events", "//v1/callflow/events",
    "/v1/callflow/Events", "/V1/callflow/events", "/v1/callflow/events/../events", "/v1/./callflow/events",
    "/v1/x/../callflow/events", "/v1%2Fcallflow/events", "/v1/callflow/events//receipt", "/v1/callflow/events/a/b/c",
    "/v1/readyz", "/v1/metrics", "/health/", "/v2/callflow/events", "/callflow/events", "/v1/callflow/%zzvents",
    "/" + String(repeating: "a/", count: 500),
  ])
  func match_FindsNothing(_ path: String) {
    #expect(template(path) == nil)
  }

  @Test func basePath_MayBeEmptyOrLong() {
    let bare = Router(RouteTable.main(basePath: ""))
    #expect(bare.match(RequestHead(.get, "/callflow/events")) != nil)
    #expect(bare.routes.count { $0.template == "/health" } == 1)
    #expect(Router(RouteTable.main(basePath: "/a/b")).match(RequestHead(.get, "/a/b/callflow/events")) != nil)
  }

  @Test func handler_Answers404_ForUnknownPaths_BeforeAskingForACredential() async throws {
    let response = try await Service().get("/v1/nothing", key: nil)
    #expect(response.status.code == 404)
    #expect(response.code == "NOT_FOUND")
    #expect(response.notes.route == "unmatched")
    #expect(response.notes.routeIndex == 0)
  }

  @Test(arguments: [
    (HTTPRequest.Method.delete, "/v1/callflow/events", "GET, HEAD, OPTIONS, POST"),
    (.post, "/v1/callflow/events/x", "GET, HEAD, OPTIONS"), (.put, "/health", "GET, HEAD, OPTIONS"),
    (.trace, "/metrics", "GET, HEAD, OPTIONS"),
  ])
  func handler_Answers405WithAllow_BeforeAskingForACredential(
    _ method: HTTPRequest.Method, _ path: String, _ allow: String
  ) async throws {
    let response = try await Service().send(method, path, key: nil)
    #expect(response.status.code == 405)
    #expect(response.code == "METHOD_NOT_ALLOWED")
    #expect(response.fields[.allow] == allow)
  }

  @Test func options_Is204WithAllow_WithoutACredential() async throws {
    let service = try Service()
    for resource in service.handler.router.resources {
      let path = resource.template.replacing("{eventId}", with: "x")
      let response = await service.send(.options, path, key: nil)
      #expect(response.status == .noContent)
      #expect(response.fields[.allow] == resource.allow)
      #expect(response.bytes.isEmpty)
    }
    #expect(await service.send(.options, "/nothing", key: nil).status.code == 404)
    let server = await service.send(.options, "*", key: nil)
    #expect(server.status == .noContent)
    #expect(server.fields[.allow] == "GET, HEAD, OPTIONS, POST")
    #expect(await service.send(.get, "*", key: nil).status.code == 404)
  }

  @Test func head_IsAnsweredWhereverGetIs_WithTheSameStatusAndFields() async throws {
    let service = try Service()
    for route in service.handler.router.routes where route.method == .get {
      let path = route.template.replacing("{eventId}", with: "evt_00000000000000000000000000")
      let get = await service.send(.get, path)
      let head = await service.send(.head, path)
      #expect(head.status == get.status, "\(path)")
      #expect(head.fields.bytes == get.fields.bytes)
    }
    #expect(await service.send(.head, Service.events, key: nil).status.code == 401)
  }

  @Test func notes_NameTemplateIndexAndPrincipal() async throws {
    let service = try Service()
    let response = await service.get("/v1/callflow/events/x")
    #expect(response.notes.route == "/v1/callflow/events/{eventId}")
    #expect(response.notes.principal == "key:full")
    let templates = service.handler.router.resources.map(\.template)
    #expect(templates[response.notes.routeIndex - 1] == response.notes.route)
  }
}
