// What the event store's tests share: events, stores on temporary folders, object stores that fail on command.

import Logging
import ObjectStore
import Observability
import Primitives
import Synchronization
import TestSupport

@testable import EventStore

/// 2026-11-21T06:45:00Z, where `ManualClock` starts.
let testNow: Int64 = 1_795_243_500_000_000_000

func eventJSON(
  _ callId: String, _ eventType: String = "initiated", at offsetSeconds: Double = 0, metadata: String? = nil,
  key: String? = nil
) -> String {
  let time = RFC3339.string(testNow + Int64(offsetSeconds * 1e9), fractionDigits: 3)
  var text = "{\"callId\":\"\(callId)\",\"eventType\":\"\(eventType)\",\"timestamp\":\"\(time)\""
  if let key { text += ",\"idempotencyKey\":\"\(key)\"" }
  if let metadata { text += ",\"metadata\":\(metadata)" }
  return text + "}"
}

extension EventBatch {
  mutating func append(text: String) throws -> EventOutcome {
    try Array(text.utf8).withRawBytes { (bytes: UnsafeRawBufferPointer) throws(JSONError) in try append(whole: bytes) }
  }
}

func batch(_ texts: [String], salt: [UInt8]? = nil, seed: UInt64 = 1) throws -> EventBatch {
  var batch = EventBatch(limits: EventLimits(), now: testNow, random: SeededRandom(seed), salt: salt)
  for text in texts { _ = try batch.append(text: text) }
  return batch
}

/// An object store that answers, or refuses everything, as told.
final class SwitchedStore: ObjectStore {
  private let base = InMemoryObjectStore(clock: SystemClock())
  private let failure = Mutex<ObjectStoreError?>(nil)
  private let puts = Mutex(0)

  var putCount: Int { puts.withLock { $0 } }

  func fail(_ error: ObjectStoreError?) { failure.withLock { $0 = error } }

  private func check() throws(ObjectStoreError) {
    if let error = failure.withLock({ $0 }) { throw error }
  }

  func get(_ key: String, range: Range<Int>?) async throws(ObjectStoreError) -> StoredObject? {
    try check()
    return try await base.get(key, range: range)
  }

  func head(_ key: String) async throws(ObjectStoreError) -> ObjectInfo? {
    try check()
    return try await base.head(key)
  }

  func put(_ key: String, _ body: ObjectBody, if condition: PutCondition) async throws(ObjectStoreError) -> PutOutcome {
    try check()
    puts.withLock { $0 += 1 }
    return try await base.put(key, body, if: condition)
  }

  func list(prefix: String, after: String?, limit: Int) async throws(ObjectStoreError) -> ObjectPage {
    try check()
    return try await base.list(prefix: prefix, after: after, limit: limit)
  }

  func delete(_ keys: [String]) async throws(ObjectStoreError) {
    try check()
    try await base.delete(keys)
  }
}

/// A store on a folder, with intervals so long that only sizes, waiters and drains seal.
func makeStore(
  _ folder: String, _ objects: any ObjectStore, uploadIntervalSeconds: Double = 3600, uploadBytes: Int = 16 << 20,
  refreshIntervalSeconds: Double = 0, journalMaxBytes: Int = 1 << 30, maxScanBytes: Int = 1 << 40,
  queryTimeoutSeconds: Double = 20, disk: any Disk = PosixDisk()
) async throws -> EventStore {
  var settings = EventStoreSettings(dataFolder: folder)
  settings.uploadIntervalSeconds = uploadIntervalSeconds
  settings.uploadBytes = uploadBytes
  settings.refreshIntervalSeconds = refreshIntervalSeconds
  settings.objectStoreIntervalSeconds = 0
  settings.listPerSecond = 1000
  settings.journalMaxBytes = journalMaxBytes
  settings.queryMaxScanBytes = maxScanBytes
  settings.queryTimeoutSeconds = queryTimeoutSeconds
  settings.limits.maxAgeDays = 36_500
  settings.limits.maxFutureSeconds = 1_000_000_000
  let store = EventStore(
    settings: settings, objects: objects, disk: disk, clock: SystemClock(), random: SystemRandom(),
    executors: .threads(),
    pause: { try? await Task.sleep(nanoseconds: UInt64(max(0, $0))) }, metrics: MetricRegistry(),
    logger: Logger(label: "store") { _ in SwiftLogNoOpLogHandler() })
  try await store.start()
  return store
}

extension EventStore {
  /// Stores the texts as one batch and gives their ids.
  func store(_ texts: [String], acknowledge: Durability? = nil) async throws -> (ids: [EventID], durability: Durability)
  {
    var batch = makeBatch()
    for text in texts {
      guard case .accepted = try batch.append(text: text) else { throw FixtureError(text: text) }
    }
    let ids = (0..<batch.count).map { batch.eventId(at: $0) }
    return (ids, try await commit(batch, acknowledge: acknowledge, timeout: .seconds(10)))
  }

  /// All pages of a query.
  func all(_ query: EventQuery) async throws -> [String] {
    var query = query
    var lines: [String] = []
    while true {
      let page = try await self.query(query)
      lines += page.lines.map { String(decoding: $0, as: UTF8.self) }
      guard let next = page.next else { return lines }
      query.after = next
    }
  }
}

struct FixtureError: Error {
  var text: String
}

func query(callId: String? = nil, types: [String] = [], order: EventQuery.Order = .ascending, limit: Int = 100)
  -> EventQuery
{
  var query = EventQuery()
  query.callId = callId.map { Array($0.utf8) }
  query.eventTypes = types
  query.order = order
  query.limit = limit
  return query
}
