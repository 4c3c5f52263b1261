// A store that never answers holds the start up for a bounded time, and only the start.

import ObjectStore
import Primitives
import Testing

@testable import Service

/// Takes requests and answers only when they are cancelled.
private struct SilentStore: ObjectStore {
  private func silence() async -> ObjectStoreError {
    for await _ in AsyncStream<Void>.makeStream().stream {}
    return .unavailable("cancelled")
  }

  func get(_ key: String, range: Range<Int>?) async throws(ObjectStoreError) -> StoredObject? { throw await silence() }
  func head(_ key: String) async throws(ObjectStoreError) -> ObjectInfo? { throw await silence() }
  func put(_ key: String, _ body: ObjectBody, if condition: PutCondition) async throws(ObjectStoreError) -> PutOutcome {
    throw await silence()
  }
  func list(prefix: String, after: String?, limit: Int) async throws(ObjectStoreError) -> ObjectPage {
    throw await silence()
  }
  func delete(_ keys: [String]) async throws(ObjectStoreError) { throw await silence() }
}

@Suite struct StartPatienceTests {
  @Test func silence_EndsAtTheDeadline() async {
    let clock = SystemClock()
    let store = StartPatience(SilentStore(), name: "there", limit: .milliseconds(200), clock: clock)
    let start = clock.monotonicNanoseconds()
    await #expect(throws: ObjectStoreError.unavailable("there: no answer")) { try await store.get("a", range: nil) }
    await #expect(throws: ObjectStoreError.self) { try await store.put("a", .bytes([]), if: .none) }
    await #expect(throws: ObjectStoreError.self) { try await store.delete(["a"]) }
    let seconds = Double(clock.monotonicNanoseconds() - start) / 1e9
    #expect((0.2..<30).contains(seconds))
  }

  @Test func answers_PassThrough_BeforeAndAfterTheStart() async throws {
    let store = StartPatience(InMemoryObjectStore(), name: "there", limit: .zero, clock: SystemClock())
    #expect(try await store.put("a", .bytes([1]), if: .ifAbsent) != .conditionFailed)
    #expect(try await store.head("a")?.size == 1)
    store.end()
    #expect(try await store.put("a", .bytes([1]), if: .ifAbsent) == .conditionFailed)
    #expect(try await store.get("a", range: nil)?.bytes == [1])
    #expect(try await store.list(prefix: "", after: nil, limit: 10).objects.map(\.key) == ["a"])
    try await store.delete(["a"])
    #expect(try await store.head("a") == nil)
  }

  @Test func requests_AreNotBounded_AfterTheStart() async {
    let store = StartPatience(SilentStore(), name: "there", limit: .zero, clock: SystemClock())
    store.end()
    let request = Task { try await store.head("a") }
    request.cancel()
    await #expect(throws: ObjectStoreError.unavailable("cancelled")) { try await request.value }
  }
}
