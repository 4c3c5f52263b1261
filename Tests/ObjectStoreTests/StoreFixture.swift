// One store of each kind for the conformance suite: the same tests run on all.

import EventLoop
import Foundation
import HTTPTransport
import ObjectStore
import Primitives
import S3
import Synchronization
import TestSupport
import Testing

enum StoreKind: String, CaseIterable, CustomTestStringConvertible {
  case memory, directory, s3

  var testDescription: String { rawValue }
}

/// A new empty store, with what it needs kept alive.
final class StoreFixture: Sendable {
  let store: any ObjectStore
  let executor = BlockingExecutor(threads: 4, name: "store-io")
  let folder = TemporaryFolder()

  /// nil where the S3 server is not to be had on a developer's machine, which has been said loudly; in CI that is a
  /// failure.
  static func make(_ kind: StoreKind) async throws -> StoreFixture? {
    do {
      return try await StoreFixture(kind)
    } catch let error as SeaweedFSServer.Unavailable {
      if ProcessInfo.processInfo.environment["CI"] != nil { throw error }
      return nil
    }
  }

  private init(_ kind: StoreKind) async throws {
    switch kind {
    case .memory: store = InMemoryObjectStore()
    case .directory: store = try await DirectoryObjectStore(root: folder.file("store"), executor: executor)
    case .s3:
      let server = try await SeaweedFSServer.shared()
      // One bucket for all: each costs the server several volumes. The prefix keeps the stores apart.
      let prefix = "stores/\(Self.number.add(1, ordering: .relaxed).newValue)"
      store = try Self.s3(server, bucket: try await server.sharedBucket(), prefix: prefix, executor: executor)
    }
  }

  deinit { executor.stop() }

  private static let number = Atomic<Int>(0)

  private static let loops = Result { try EventLoopGroup(count: 1, name: "s3-test") }
  static let client = Result { try PooledHTTPClient(group: loops.get()) }

  static func s3(
    _ server: SeaweedFSServer, bucket: String, prefix: String = "some/prefix", secret: String? = nil,
    executor: BlockingExecutor
  ) throws -> S3ObjectStore {
    let credentials = S3Credentials(
      accessKeyID: server.accessKeyID, secretAccessKey: secret ?? server.secretAccessKey)
    return S3ObjectStore(
      settings: S3Settings(location: S3Location(bucket: bucket, prefix: prefix), endpoint: server.endpoint),
      client: try client.get(), credentials: StaticCredentials(credentials), executor: executor)
  }
}
