// Tries failed requests again as `RetryPolicy` says. Every operation of the protocol may be repeated: reads, deletes
// and plain PUTs by nature; a conditional PUT because of what follows here. A try whose answer was lost may have stored
// the object, so that the next try meets its own work: where a retried PUT finds its condition failed, and the object
// has the very bytes that were to be stored, then the PUT has succeeded.

import Primitives

/// Waits that many nanoseconds; throws when the task is cancelled.
package typealias Sleep = @Sendable (_ nanoseconds: Int64) async throws -> Void

package let systemSleep: Sleep = { try await Task.sleep(nanoseconds: UInt64(max($0, 0))) }

package struct RetryingObjectStore: ObjectStore {
  private static let comparedBytes = 4 * 1024 * 1024
  private let base: any ObjectStore
  private let policy: RetryPolicy
  private let budget: RetryBudget
  private let metrics: StoreMetrics
  private let executor: BlockingExecutor
  private let clock: any Clock
  private let random: any RandomSource
  private let sleep: Sleep

  /// `executor` reads body files when a stored object is compared with them.
  package init(
    _ base: any ObjectStore, policy: RetryPolicy = RetryPolicy(), budget: RetryBudget = RetryBudget(),
    metrics: StoreMetrics, executor: BlockingExecutor, clock: any Clock = SystemClock(),
    random: any RandomSource = SystemRandom(), sleep: @escaping Sleep = systemSleep
  ) {
    self.base = base
    self.policy = policy
    self.budget = budget
    self.metrics = metrics
    self.executor = executor
    self.clock = clock
    self.random = random
    self.sleep = sleep
  }

  package func get(_ key: String, range: Range<Int>?) async throws(ObjectStoreError) -> StoredObject? {
    try await repeated(.get) { (_) async throws(ObjectStoreError) in try await base.get(key, range: range) }
  }

  package func head(_ key: String) async throws(ObjectStoreError) -> ObjectInfo? {
    try await repeated(.head) { (_) async throws(ObjectStoreError) in try await base.head(key) }
  }

  package func put(
    _ key: String, _ body: ObjectBody, if condition: PutCondition
  ) async throws(ObjectStoreError) -> PutOutcome {
    try await repeated(.put) { (isRetry) async throws(ObjectStoreError) in
      let outcome = try await base.put(key, body, if: condition)
      guard isRetry, outcome == .conditionFailed, let own = try await ownVersion(key, body) else { return outcome }
      return .stored(etag: own)
    }
  }

  package func list(prefix: String, after: String?, limit: Int) async throws(ObjectStoreError) -> ObjectPage {
    try await repeated(.list) { (_) async throws(ObjectStoreError) in
      try await base.list(prefix: prefix, after: after, limit: limit)
    }
  }

  package func delete(_ keys: [String]) async throws(ObjectStoreError) {
    try await repeated(.delete) { (_) async throws(ObjectStoreError) in try await base.delete(keys) }
  }

  private func repeated<Result>(
    _ operation: StoreOperation, _ request: (_ isRetry: Bool) async throws(ObjectStoreError) -> Result
  ) async throws(ObjectStoreError) -> Result {
    budget.earn()
    var sequence = RetrySequence(policy: policy, startedAt: clock.monotonicNanoseconds())
    while true {
      do throws(ObjectStoreError) {
        return try await request(sequence.tries > 1)
      } catch {
        let now = clock.monotonicNanoseconds()
        guard case .retry(let pause) = sequence.failed(with: error, at: now, budget: budget, random: random) else {
          throw error
        }
        // A cancelled caller gets the failure that it had.
        guard (try? await sleep(pause)) != nil else { throw error }
        metrics.retried(operation)
      }
    }
  }

  /// The version of the stored object where it has exactly the bytes of `body`, else nil.
  private func ownVersion(_ key: String, _ body: ObjectBody) async throws(ObjectStoreError) -> String? {
    let size =
      switch body {
      case .bytes(let bytes): bytes.count
      case .file(_, let size): size
      }
    guard let stored = try await base.head(key), stored.size == size else { return nil }
    var offset = 0
    while offset < size {
      let range = offset..<min(offset + Self.comparedBytes, size)
      guard let piece = try await base.get(key, range: range), piece.info.etag == stored.etag else { return nil }
      guard try await read(body, range) == piece.bytes else { return nil }
      offset = range.upperBound
    }
    return stored.etag
  }

  private func read(_ body: ObjectBody, _ range: Range<Int>) async throws(ObjectStoreError) -> [UInt8] {
    switch body {
    case .bytes(let bytes): return Array(bytes[range])
    case .file(let path, _):
      return try await executor.run { () throws(ObjectStoreError) in
        let file = try LocalFile(reading: path)
        return try asStore { () throws(FileFailure) in try file.read(range) }
      }
    }
  }
}
