// The retry machine: pauses, deadline, budget; and the store around it with a clock that stands still.

import ObjectStore
import Observability
import Primitives
import Synchronization
import TestSupport
import Testing

@Suite struct RetryPolicyTests {
  private let down = ObjectStoreError.unavailable("down")

  private func delay(_ action: RetrySequence.Action) -> Int64? {
    guard case .retry(let nanoseconds) = action else { return nil }
    return nanoseconds
  }

  @Test func pauses_DoubleWithJitter_UpToTheirBound() throws {
    let policy = RetryPolicy(
      maxTries: 10, baseDelayNanoseconds: 100, maxDelayNanoseconds: 1000, deadlineNanoseconds: 1_000_000)
    var seen: Set<Int64> = []
    for seed in 0..<50 {
      var sequence = RetrySequence(policy: policy, startedAt: 0)
      let random = SeededRandom(UInt64(seed))
      for step: Int64 in [100, 200, 400, 800, 1000, 1000] {
        let action = sequence.failed(with: down, at: 0, budget: RetryBudget(), random: random)
        let pause = try #require(delay(action))
        #expect((step / 2...step).contains(pause))
        seen.insert(pause)
      }
    }
    #expect(seen.count > 50)
  }

  @Test func retryAfter_IsHonoured_AndEndsTheTriesWhenItIsTooLong() throws {
    let policy = RetryPolicy(deadlineNanoseconds: 10_000_000_000)
    let random = SeededRandom(1)
    var sequence = RetrySequence(policy: policy, startedAt: 0)
    let wait = ObjectStoreError.unavailable("slow down", retryAfterSeconds: 3)
    let action = sequence.failed(with: wait, at: 0, budget: RetryBudget(), random: random)
    #expect(try #require(delay(action)) >= 3_000_000_000)
    let long = ObjectStoreError.unavailable("slow down", retryAfterSeconds: 11)
    #expect(sequence.failed(with: long, at: 0, budget: RetryBudget(), random: random) == .giveUp)
  }

  @Test func sequence_GivesUp_AtDeadlineMaxTriesAndWhatOnlyAPersonCanMend() {
    let policy = RetryPolicy(maxTries: 2, deadlineNanoseconds: 1_000_000_000)
    let random = SeededRandom(1)
    var sequence = RetrySequence(policy: policy, startedAt: 0)
    #expect(delay(sequence.failed(with: down, at: 0, budget: RetryBudget(), random: random)) != nil)
    #expect(sequence.failed(with: down, at: 0, budget: RetryBudget(), random: random) == .giveUp)
    for (error, at) in [(down, Int64(1_000_000_000)), (.misconfigured(""), 0), (.rejected(""), 0)] {
      var sequence = RetrySequence(policy: policy, startedAt: 0)
      #expect(sequence.failed(with: error, at: at, budget: RetryBudget(), random: random) == .giveUp)
    }
  }

  @Test func budget_AllowsOneAndAHalfTriesARequest_OverManyRequests() async {
    let store = FaultyStore(failing: { _ in true })
    let clock = ManualClock()
    let budget = RetryBudget(perRequest: 0.5, reserve: 10)
    let executor = BlockingExecutor(threads: 1, name: "io")
    let retrying = RetryingObjectStore(
      store, budget: budget, metrics: StoreMetrics(registry: MetricRegistry()), executor: executor, clock: clock,
      random: SeededRandom(7), sleep: { clock.advance(by: .nanoseconds($0)) })
    for _ in 0..<1000 { _ = try? await retrying.head("key") }
    #expect(store.tries <= 1000 + 500 + 10)
    #expect(store.tries >= 1500)
    executor.stop()
  }
}

@Suite struct RetryingObjectStoreTests {
  private let clock = ManualClock()
  private let registry = MetricRegistry()

  private func retrying(_ store: any ObjectStore, _ executor: BlockingExecutor) -> RetryingObjectStore {
    RetryingObjectStore(
      store, metrics: StoreMetrics(registry: registry), executor: executor, clock: clock, random: SeededRandom(3),
      sleep: { [clock] in clock.advance(by: .nanoseconds($0)) })
  }

  @Test func put_SucceedsOnce_WhenTheFirstAnswerWasLost() async throws {
    let executor = BlockingExecutor(threads: 1, name: "io")
    for condition in [PutCondition.none, .ifAbsent] {
      let store = FaultyStore(failing: { $0 == 1 }, losesAnswer: true)
      let outcome = try await retrying(store, executor).put("key", .bytes([1, 2, 3]), if: condition)
      let info = try #require(try await store.head("key"))
      #expect(outcome == .stored(etag: info.etag))
    }
    #expect(registry.renderText().contains("callflow_store_retries_total{operation=\"put\"} 2"))
    executor.stop()
  }

  @Test func put_SucceedsOnce_WhenTheFirstAnswerToAFileWasLost() async throws {
    let executor = BlockingExecutor(threads: 1, name: "io")
    let folder = TemporaryFolder()
    let bytes = SeededRandom(5).bytes(5 * 1024 * 1024)
    try LocalFile(path: folder.file("body"), flags: 0o101).append(bytes)
    let store = FaultyStore(failing: { $0 == 1 }, losesAnswer: true)
    let outcome = try await retrying(store, executor).put(
      "key", .file(path: folder.file("body"), size: bytes.count), if: .ifAbsent)
    #expect(outcome != .conditionFailed)
    executor.stop()
  }

  @Test func put_FindsItsConditionFailed_WhenAnotherStoredOtherBytes() async throws {
    let executor = BlockingExecutor(threads: 1, name: "io")
    let store = FaultyStore(failing: { $0 == 1 })
    _ = try await store.base.put("key", .bytes([9, 9, 9]), if: .none)
    #expect(try await retrying(store, executor).put("key", .bytes([1, 2, 3]), if: .ifAbsent) == .conditionFailed)
    executor.stop()
  }

  @Test func put_FindsItsConditionFailed_AtTheFirstTryAlready_WithoutComparing() async throws {
    let executor = BlockingExecutor(threads: 1, name: "io")
    let store = FaultyStore(failing: { _ in false })
    _ = try await store.base.put("key", .bytes([1, 2, 3]), if: .none)
    #expect(try await retrying(store, executor).put("key", .bytes([1, 2, 3]), if: .ifAbsent) == .conditionFailed)
    #expect(store.tries == 1)
    executor.stop()
  }

  @Test func metered_CountsEachTryByItsOutcome() async throws {
    let executor = BlockingExecutor(threads: 1, name: "io")
    let store = FaultyStore(failing: { $0 == 1 })
    let metered = MeteredObjectStore(store, metrics: StoreMetrics(registry: registry), clock: clock)
    #expect(try await retrying(metered, executor).get("key", range: nil) == nil)
    _ = try await metered.put("key", .bytes([1]), if: .ifAbsent)
    _ = try await metered.put("key", .bytes([1]), if: .ifAbsent)
    let text = registry.renderText()
    for line in [
      "callflow_store_requests_total{operation=\"get\",outcome=\"unavailable\"} 1",
      "callflow_store_requests_total{operation=\"get\",outcome=\"absent\"} 1",
      "callflow_store_requests_total{operation=\"put\",outcome=\"ok\"} 1",
      "callflow_store_requests_total{operation=\"put\",outcome=\"condition_failed\"} 1",
      "callflow_store_request_duration_seconds_count{operation=\"get\"} 2",
      "callflow_store_retries_total{operation=\"get\"} 1",
    ] {
      #expect(text.contains(line + "\n"), "\(line)")
    }
    executor.stop()
  }
}

/// Fails the tries that it is told to fail, before the store or after it.
private final class FaultyStore: ObjectStore {
  let base = InMemoryObjectStore()
  private let failing: @Sendable (Int) -> Bool
  private let losesAnswer: Bool
  private let count = Atomic<Int>(0)

  var tries: Int { count.load(ordering: .relaxed) }

  init(failing: @escaping @Sendable (_ tryNumber: Int) -> Bool, losesAnswer: Bool = false) {
    self.failing = failing
    self.losesAnswer = losesAnswer
  }

  private func attempt<R>(
    _ body: () async throws(ObjectStoreError) -> R
  ) async throws(ObjectStoreError) -> R {
    let number = count.add(1, ordering: .relaxed).newValue
    if failing(number) {
      if losesAnswer { _ = try await body() }
      throw .unavailable("reset")
    }
    return try await body()
  }

  func get(_ key: String, range: Range<Int>?) async throws(ObjectStoreError) -> StoredObject? {
    try await attempt { () async throws(ObjectStoreError) in try await base.get(key, range: range) }
  }

  func head(_ key: String) async throws(ObjectStoreError) -> ObjectInfo? {
    try await attempt { () async throws(ObjectStoreError) in try await base.head(key) }
  }

  func put(_ key: String, _ body: ObjectBody, if condition: PutCondition) async throws(ObjectStoreError) -> PutOutcome {
    try await attempt { () async throws(ObjectStoreError) in try await base.put(key, body, if: condition) }
  }

  func list(prefix: String, after: String?, limit: Int) async throws(ObjectStoreError) -> ObjectPage {
    try await attempt { () async throws(ObjectStoreError) in
      try await base.list(prefix: prefix, after: after, limit: limit)
    }
  }

  func delete(_ keys: [String]) async throws(ObjectStoreError) {
    try await attempt { () async throws(ObjectStoreError) in try await base.delete(keys) }
  }
}
