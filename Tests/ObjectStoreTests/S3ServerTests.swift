// The refusals of a real server that checks signatures.

import EventLoop
import HTTPModel
import HTTPTransport
import ObjectStore
import Primitives
import S3
import TestSupport
import Testing

@Suite struct S3ServerTests {
  private let executor = BlockingExecutor(threads: 1, name: "s3-io")

  /// Every operation's error, all of one kind.
  private func failures(_ store: S3ObjectStore) async -> [ObjectStoreError] {
    var errors: [ObjectStoreError] = []
    func collect(_ body: () async throws(ObjectStoreError) -> Void) async {
      do throws(ObjectStoreError) {
        try await body()
        Issue.record("it did not fail")
      } catch {
        errors.append(error)
      }
    }
    await collect { () async throws(ObjectStoreError) in _ = try await store.get("k", range: nil) }
    await collect { () async throws(ObjectStoreError) in _ = try await store.head("k") }
    await collect { () async throws(ObjectStoreError) in _ = try await store.put("k", .bytes([1]), if: .ifAbsent) }
    await collect { () async throws(ObjectStoreError) in _ = try await store.list(prefix: "", after: nil, limit: 1) }
    await collect { () async throws(ObjectStoreError) in try await store.delete(["k", "l"]) }
    return errors
  }

  @Test func wrongSecret_IsMisconfigured_ForEveryOperation() async throws {
    guard let fixture = try await StoreFixture.make(.s3) else { return }
    let server = try await SeaweedFSServer.shared()
    let store = try StoreFixture.s3(
      server, bucket: try await server.sharedBucket(), secret: "wrong-secret", executor: fixture.executor)
    for error in await failures(store) {
      guard case .misconfigured(let text) = error else {
        Issue.record("\(error)")
        continue
      }
      #expect(text.contains("SignatureDoesNotMatch") && text.contains("127.0.0.1") && !text.contains("wrong-secret"))
    }
  }

  @Test func missingBucket_IsMisconfigured_ForEveryOperation() async throws {
    guard let fixture = try await StoreFixture.make(.s3) else { return }
    let server = try await SeaweedFSServer.shared()
    let store = try StoreFixture.s3(server, bucket: "no-such-bucket", executor: fixture.executor)
    for error in await failures(store) {
      guard case .misconfigured(let text) = error else {
        Issue.record("\(error)")
        continue
      }
      #expect(text.contains("NoSuchBucket") && text.contains("no-such-bucket"))
    }
  }

  private func secureStore(
    _ server: SeaweedFSServer, caFile: String?, executor: BlockingExecutor
  ) async throws -> (S3ObjectStore, PooledHTTPClient, EventLoopGroup) {
    let loops = try EventLoopGroup(count: 1, name: "s3-tls")
    var settings = HTTPClientSettings()
    settings.caFile = caFile
    let client = try PooledHTTPClient(group: loops, settings: settings)
    let store = S3ObjectStore(
      settings: S3Settings(
        location: S3Location(bucket: try await server.sharedBucket(), prefix: "tls"), endpoint: server.secureEndpoint),
      client: client, credentials: StaticCredentials(server.credentials), executor: executor)
    return (store, client, loops)
  }

  @Test func object_ReadsBack_OverTLSWithItsOwnCA() async throws {
    guard let fixture = try await StoreFixture.make(.s3) else { return }
    let server = try await SeaweedFSServer.shared()
    let (store, client, loops) = try await secureStore(server, caFile: server.caFile, executor: fixture.executor)
    let bytes = SeededRandom(4).bytes(2_000_000)
    #expect(try await store.put("object", .bytes(bytes), if: .ifAbsent) != .conditionFailed)
    #expect(try await store.get("object", range: nil)?.bytes == bytes)
    #expect(try await store.list(prefix: "", after: nil, limit: 10).objects.map(\.key) == ["object"])
    await client.shutDown()
    loops.stop()
  }

  @Test func certificateThatNobodyVouchesFor_IsMisconfigured() async throws {
    guard let fixture = try await StoreFixture.make(.s3) else { return }
    let server = try await SeaweedFSServer.shared()
    let (store, client, loops) = try await secureStore(server, caFile: nil, executor: fixture.executor)
    for error in await failures(store) {
      guard case .misconfigured(let text) = error else {
        Issue.record("\(error)")
        continue
      }
      #expect(text.contains("https://localhost:") && text.contains("TLS"))
    }
    await client.shutDown()
    loops.stop()
  }
}
