import API
import Auth
import EventStore
import HTTPModel
import HTTPTypes
import Observability
import Primitives
import TestSupport
import Testing

@Suite struct HealthTests {
  private static let paths = ["/health", "/healthz", "/v1/health", "/v1/healthz", "/readyz"]

  private func health(_ isReachable: Bool, _ canStore: Bool) -> EventStore.Health {
    EventStore.Health(
      storeReachable: isReachable, canStore: canStore, causes: ["store": "no route to bucket"], journalBytes: 0,
      oldestUnuploadedSeconds: 0)
  }

  @Test(arguments: [
    (true, true, false, 200, "healthy"), (false, true, false, 200, "degraded"), (true, false, false, 503, "unhealthy"),
    (false, false, false, 503, "unhealthy"), (true, true, true, 503, "draining"), (false, false, true, 503, "draining"),
  ])
  func health_FollowsTheStore(
    _ isReachable: Bool, _ canStore: Bool, _ isDraining: Bool, _ status: Int, _ word: String
  ) async throws {
    let service = try Service()
    service.fake.set { $0.health = health(isReachable, canStore) }
    if isDraining { service.readiness.beginDraining() }
    for path in Self.paths {
      let response = await service.get(path, key: nil)
      #expect(response.status.code == status)
      #expect(
        response.text == """
          {"status":"\(word)","timestamp":"2026-11-21T06:45:00.000Z",\
          "checks":{"journal":"\(canStore ? "ok" : "failed")",\
          "objectStore":"\(isReachable ? "ok" : "failed")","keys":"ok"}}
          """)
      #expect((response.fields[.retryAfter] != nil) == (status == 503))
    }
    #expect(await service.get("/livez", key: nil).status == .ok)
  }

  @Test func node_IsNotReady_WhileItStarts_AndLives() async throws {
    let service = try Service()
    service.readiness.beginStarting()
    #expect(await service.get("/readyz", key: nil).status.code == 503)
    #expect(await service.get("/livez", key: nil).status == .ok)
    service.readiness.endStarting()
    #expect(await service.get("/readyz", key: nil).status == .ok)
  }

  @Test func node_IsUnhealthy_WhenItKnowsNoKeys() async throws {
    let service = try Service()
    let parts = APIParts(
      events: service.fake, authorizer: Authorizer(), refresher: nil, readiness: Readiness(),
      registry: MetricRegistry(), log: LogOutput.silent, clock: service.clock)
    let response = await AdminHandler(parts: parts).handle(Self.request("/readyz"))
    #expect(response.status.code == 503)
    #expect(response.text.contains("auth.keys"))
  }

  @Test func liveness_Is503_WhenALoopStands() async throws {
    let service = try Service()
    let parts = APIParts(
      events: service.fake, authorizer: service.authorizer, refresher: nil, readiness: Readiness { false },
      registry: MetricRegistry(), log: LogOutput.silent, clock: service.clock)
    let response = await AdminHandler(parts: parts).handle(Self.request("/livez"))
    #expect(response.status.code == 503)
  }

  private static func request(_ path: String, _ method: HTTPRequest.Method = .get) -> Request {
    Request(
      head: RequestHead(method, path), body: BufferedBody(),
      connection: ConnectionInfo(clientAddress: "127.0.0.1", isTLS: false), id: "req_1")
  }

  @Test func admin_NamesCauses_AndTheMainListenerDoesNot() async throws {
    let service = try Service()
    service.fake.set { $0.health = health(false, true) }
    let admin = await service.admin.handle(Self.request("/readyz"))
    #expect(try admin.json()["causes"]?["store"]?.stringValue == "no route to bucket")
    #expect(admin.notes.route == "/readyz")
    #expect(!(await service.get("/readyz", key: nil).text.contains("bucket")))
  }

  @Test func admin_ServesMetricsWithoutACredential_AndNothingElse() async throws {
    let service = try Service()
    let metrics = await service.admin.handle(Self.request("/metrics"))
    #expect(metrics.status == .ok)
    #expect(metrics.fields[.contentType] == "text/plain; version=0.0.4; charset=utf-8")
    #expect(metrics.text.contains("callflow_authorizer_decisions_total"))
    #expect(await service.admin.handle(Self.request(Service.events)).status.code == 404)
    #expect(await service.admin.handle(Self.request("/metrics", .post)).status.code == 405)
    #expect(await service.admin.handle(Self.request("/metrics", .options)).fields[.allow] == "GET, HEAD, OPTIONS")
  }

  @Test func metrics_AcceptsWhatPrometheusSends() async throws {
    let accept = "application/openmetrics-text;version=1.0.0;q=0.5,text/plain;version=0.0.4;q=0.3,*/*;q=0.2"
    #expect(try await Service().get("/metrics", [("Accept", accept)]).status == .ok)
    #expect(try await Service().get("/metrics", [("Accept", "application/json")]).status.code == 406)
  }
}
