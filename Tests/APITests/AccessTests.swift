import API
import Auth
import HTTPModel
import HTTPTypes
import Observability
import Primitives
import Synchronization
import TestSupport
import Testing

@Suite struct AccessTests {
  @Test func every401_HasTheSameBytes_WhateverTheReason() async throws {
    let service = try Service()
    var responses: [Response] = [await service.get(Service.events, key: nil)]
    for key in ["cfk_short", "cfk_" + String(repeating: "a", count: 43), Service.revoked, Service.expired] {
      responses.append(await service.get(Service.events, key: key))
      responses.append(await service.get(Service.events, key: nil, [("Authorization", "Bearer \(key)")]))
    }
    responses.append(await service.get(Service.events, key: nil, [("Authorization", "AWS4-HMAC-SHA256 x")]))
    for response in responses {
      #expect(response.status.code == 401)
      #expect(response.bytes == responses[0].bytes)
      #expect(response.fields.bytes == responses[0].fields.bytes)
    }
    #expect(responses[0].code == "UNAUTHORIZED")
    #expect(responses[0].fields[.wwwAuthenticate] == #"Bearer realm="callflow""#)
  }

  @Test func missingScope_Is403_ThatNamesIt() async throws {
    let service = try Service()
    let read = await service.get(Service.events, key: Service.writer)
    #expect(read.status.code == 403)
    #expect(read.code == "FORBIDDEN")
    #expect(read.fields[.wwwAuthenticate]?.contains(#"scope="events:read""#) == true)
    #expect(await service.send(.post, Service.events, key: Service.reader).status.code == 403)
    #expect(await service.get("/metrics", key: Service.reader).status.code == 403)
    #expect(await service.get("/metrics").status == .ok)
  }

  @Test func twoCredentials_AreA400() async throws {
    let response = try await Service().get(Service.events, [("Authorization", "Bearer \(Service.full)")])
    #expect(response.status.code == 400)
    #expect(response.code == "VALIDATION_ERROR")
    #expect(response.fieldNames == ["Authorization"])
  }

  @Test func credentialInTheQuery_IsA400_ThatNamesTheParameter() async throws {
    let response = try await Service().get(Service.events + "?api_key=\(Service.full)", key: nil)
    #expect(response.status.code == 400)
    #expect(response.fieldNames == ["api_key"])
    #expect(!response.text.contains(Service.full))
  }

  /// CONTRACT 3: 404, 405, 401, 403, 415 and 406, 413, 400. Each request breaks every rule from its own on.
  @Test func checks_ComeInTheOrderOfTheContract() async throws {
    var settings = APISettings()
    settings.bodyMaxBytes = 10
    let service = try Service(settings: settings)
    let big = Array(repeating: UInt8(ascii: "x"), count: 11)
    func status(_ method: HTTPRequest.Method, _ path: String, _ key: String?, _ type: String, _ body: [UInt8]) async
      -> Int
    {
      await service.send(method, path + "?nonsense=1", key: key, [("Content-Type", type)], body: body).status.code
    }
    #expect(await status(.put, "/nothing", nil, "text/plain", big) == 404)
    #expect(await status(.put, Service.events, nil, "text/plain", big) == 405)
    #expect(await status(.post, Service.events, nil, "text/plain", big) == 401)
    #expect(await status(.post, Service.events, Service.reader, "text/plain", big) == 403)
    #expect(await status(.post, Service.events, Service.writer, "text/plain", big) == 415)
    #expect(await status(.post, Service.events, Service.writer, "application/json", big) == 413)
    #expect(await status(.post, Service.events, Service.writer, "application/json", [1]) == 400)
  }

  @Test func openRoutes_AskForNoCredential() async throws {
    let service = try Service()
    for path in [
      "/health", "/healthz", "/v1/health", "/v1/healthz", "/readyz", "/livez", "/openapi.json", "/v1/openapi.json",
    ] {
      #expect(await service.get(path, key: nil).status == .ok, "\(path)")
      #expect(await service.get(path, key: "nonsense").status == .ok, "\(path)")
    }
  }

  /// A key made on another node works at its first request here.
  @Test func unknownKey_IsLookedUpAgain_BeforeThe401() async throws {
    let source = GrowingSource()
    let (never, neverSink) = AsyncStream<Void>.makeStream()
    defer { neverSink.finish() }
    let refresher = Mutex<KeyRefresher?>(nil)
    let service = try Service(refresher: { authorizer in
      let made = KeyRefresher(
        source: source, authorizer: authorizer, report: { _ in },
        sleep: { duration in
          // Polls never come: only the unknown key makes a read.
          if duration >= KeyRefresher.interval { for await _ in never {} }
          try Task.checkCancellation()
        })
      refresher.withLock { $0 = made }
      return made
    })
    let running = try #require(refresher.withLock { $0 })
    let run = Task { await running.run() }
    await source.waitForFirstRead()
    let secret = try await source.create(
      name: "new", scopes: .eventsRead, expiresAt: nil, now: 0, random: SystemRandom())
    #expect(await service.get(Service.events, key: secret).status == .ok)
    let unknown = "cfk_" + String(repeating: "b", count: 43)
    #expect(await service.get(Service.events, key: unknown).status.code == 401)
    run.cancel()
    await run.value
  }

  @Test func keysNeverRead_Are503() async throws {
    let service = try Service()
    let authorizer = Authorizer()
    let parts = APIParts(
      events: service.fake, authorizer: authorizer, refresher: nil, readiness: service.readiness,
      registry: MetricRegistry(), log: LogOutput.silent, clock: service.clock)
    let request = Request(
      head: .init(.get, Service.events, [("x-api-key", Service.full)]), body: BufferedBody(),
      connection: ConnectionInfo(clientAddress: "::1", isTLS: false), id: "req_1")
    let response = await APIHandler(settings: APISettings(), parts: parts).handle(request)
    #expect(response.status.code == 503)
    #expect(response.code == "STORE_UNAVAILABLE")
    #expect(response.fields[.retryAfter] != nil)
  }
}

private final class GrowingSource: KeySource {
  private let document = Mutex(KeysDocument())
  private let begun: AsyncStream<Void>
  private let begunSink: AsyncStream<Void>.Continuation

  init() { (begun, begunSink) = AsyncStream.makeStream(bufferingPolicy: .bufferingOldest(1)) }

  func waitForFirstRead() async { for await _ in begun { return } }

  func read(unless version: String?) async throws(KeySourceError) -> KeysSnapshot? {
    begunSink.yield()
    return KeysSnapshot(document: document.withLock { $0 }, version: "")
  }

  func update(_ change: @Sendable (inout KeysDocument) throws(KeysDocumentError) -> Void) async throws(KeySourceError) {
    var copy = document.withLock { $0 }
    do { try change(&copy) } catch { throw .document(error) }
    let changed = copy
    document.withLock { $0 = changed }
  }
}
