// A store that takes requests and never answers must not hold up the start: events can be taken into the journal
// without it. Until the service runs, its requests share one short deadline; afterwards the usual retries and
// deadlines hold.

import ObjectStore
import Primitives
import Synchronization

final class StartPatience: ObjectStore {
  /// For the requests that are still made after the deadline.
  private static let leastNanoseconds: Int64 = 100_000_000

  private let base: any ObjectStore
  private let name: String
  private let clock: any Clock
  private let deadline: Int64
  private let isOver = Atomic<Bool>(false)

  /// `name`: endpoint and bucket, for the message.
  init(_ base: any ObjectStore, name: String, limit: Duration = .seconds(5), clock: any Clock) {
    self.base = base
    self.name = name
    self.clock = clock
    let (seconds, attoseconds) = limit.components
    deadline = clock.monotonicNanoseconds() + seconds * 1_000_000_000 + attoseconds / 1_000_000_000
  }

  /// The service has started.
  func end() { isOver.store(true, ordering: .relaxed) }

  func get(_ key: String, range: Range<Int>?) async throws(ObjectStoreError) -> StoredObject? {
    try await bounded { [base] () async throws(ObjectStoreError) in try await base.get(key, range: range) }
  }

  func head(_ key: String) async throws(ObjectStoreError) -> ObjectInfo? {
    try await bounded { [base] () async throws(ObjectStoreError) in try await base.head(key) }
  }

  func put(_ key: String, _ body: ObjectBody, if condition: PutCondition) async throws(ObjectStoreError) -> PutOutcome {
    try await bounded { [base] () async throws(ObjectStoreError) in try await base.put(key, body, if: condition) }
  }

  func list(prefix: String, after: String?, limit: Int) async throws(ObjectStoreError) -> ObjectPage {
    try await bounded { [base] () async throws(ObjectStoreError) in
      try await base.list(prefix: prefix, after: after, limit: limit)
    }
  }

  func delete(_ keys: [String]) async throws(ObjectStoreError) {
    try await bounded { [base] () async throws(ObjectStoreError) in try await base.delete(keys) }
  }

  /// Cancels the request at the deadline and gives the error that it ends with then, or says that there was no answer.
  private func bounded<Value: Sendable>(
    _ request: @escaping @Sendable () async throws(ObjectStoreError) -> Value
  ) async throws(ObjectStoreError) -> Value {
    if isOver.load(ordering: .relaxed) { return try await request() }
    let rest = max(deadline - clock.monotonicNanoseconds(), Self.leastNanoseconds)
    let first = await withTaskGroup(of: Result<Value, ObjectStoreError>?.self) { tasks in
      tasks.addTask {
        do throws(ObjectStoreError) { return .success(try await request()) } catch { return .failure(error) }
      }
      tasks.addTask {
        try? await Task.sleep(nanoseconds: UInt64(rest))
        return nil
      }
      var answer: Result<Value, ObjectStoreError>?
      if let first = await tasks.next(), let result = first { answer = result }
      tasks.cancelAll()
      return answer
    }
    guard let first else { throw .unavailable("\(name): no answer") }
    return try first.get()
  }
}
