// Counts and times each request as the store sees it: it stands inside the retries.

import Primitives

package struct MeteredObjectStore: ObjectStore {
  private let base: any ObjectStore
  private let metrics: StoreMetrics
  private let clock: any Clock

  package init(_ base: any ObjectStore, metrics: StoreMetrics, clock: any Clock = SystemClock()) {
    self.base = base
    self.metrics = metrics
    self.clock = clock
  }

  package func get(_ key: String, range: Range<Int>?) async throws(ObjectStoreError) -> StoredObject? {
    try await measured(.get, { $0 == nil ? .absent : .ok }) { () async throws(ObjectStoreError) in
      try await base.get(key, range: range)
    }
  }

  package func head(_ key: String) async throws(ObjectStoreError) -> ObjectInfo? {
    try await measured(.head, { $0 == nil ? .absent : .ok }) { () async throws(ObjectStoreError) in
      try await base.head(key)
    }
  }

  package func put(
    _ key: String, _ body: ObjectBody, if condition: PutCondition
  ) async throws(ObjectStoreError) -> PutOutcome {
    try await measured(.put, { $0 == .conditionFailed ? .conditionFailed : .ok }) { () async throws(ObjectStoreError) in
      try await base.put(key, body, if: condition)
    }
  }

  package func list(prefix: String, after: String?, limit: Int) async throws(ObjectStoreError) -> ObjectPage {
    try await measured(.list, { _ in .ok }) { () async throws(ObjectStoreError) in
      try await base.list(prefix: prefix, after: after, limit: limit)
    }
  }

  package func delete(_ keys: [String]) async throws(ObjectStoreError) {
    try await measured(.delete, { _ in .ok }) { () async throws(ObjectStoreError) in try await base.delete(keys) }
  }

  private func measured<Result>(
    _ operation: StoreOperation, _ outcome: (Result) -> StoreOutcome,
    _ request: () async throws(ObjectStoreError) -> Result
  ) async throws(ObjectStoreError) -> Result {
    let start = clock.monotonicNanoseconds()
    do throws(ObjectStoreError) {
      let result = try await request()
      metrics.ended(operation, outcome(result), nanoseconds: clock.monotonicNanoseconds() - start)
      return result
    } catch {
      metrics.ended(operation, StoreOutcome(error), nanoseconds: clock.monotonicNanoseconds() - start)
      throw error
    }
  }
}
