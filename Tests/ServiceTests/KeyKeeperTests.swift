// No request may come before the keys: a node that has just started answers with the keys of the bucket, or with those
// that it knew last.

import Auth
import Logging
import ObjectStore
import Primitives
import TestSupport
import Testing

@testable import Service

private struct SilentSource: KeySource {
  func read(unless version: String?) async throws(KeySourceError) -> KeysSnapshot? {
    for await _ in AsyncStream<Void>.makeStream().stream {}
    throw .unavailable("cancelled")
  }

  func update(
    _ change: @Sendable (inout KeysDocument) throws(KeysDocumentError) -> Void
  ) async throws(KeySourceError) {
    throw .unavailable("silent")
  }
}

@Suite struct KeyKeeperTests {
  private func keeper(_ source: any KeySource) -> KeyKeeper {
    KeyKeeper(
      source: source, isAnonymous: false, clock: SystemClock(),
      logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
  }

  @Test func keysOfTheBucket_AreThere_BeforeTheFirstRequest_AndAfterARestartWithoutIt() async throws {
    let folder = TemporaryFolder()
    let source = FileKeySource(path: folder.file("bucket.json"))
    _ = try await source.create(name: "pbx", scopes: .eventsWrite, expiresAt: nil, now: 1, random: SystemRandom())
    let first = keeper(KeyCopy(source, path: folder.file("copy.json")))
    try await first.readFirst(.store)
    #expect(first.authorizer.keys != nil)
    let second = keeper(KeyCopy(SilentSource(), path: folder.file("copy.json")))
    try await second.readFirst(.store, patience: .milliseconds(50))
    #expect(second.authorizer.keys != nil)
  }

  @Test func start_GoesOnWithoutKeys_WhenTheBucketIsSilentAndNoneAreKnown() async throws {
    let folder = TemporaryFolder()
    let keeper = keeper(KeyCopy(SilentSource(), path: folder.file("copy.json")))
    try await keeper.readFirst(.store, patience: .milliseconds(50))
    #expect(keeper.authorizer.keys == nil)
  }
}
