import Foundation
import ObjectStore
import Primitives
import Synchronization
import TestSupport
import Testing

@testable import EventStore

@Suite struct StoreFaultTests {
  private let texts = (0..<40).map { eventJSON("call-\($0 % 8)", at: -Double($0)) }

  private func releaseLocks(_ store: EventStore) {
    store.state.withLock { state in
      for lock in state.locks.values { lock.release() }
      state.locks = [:]
    }
  }

  @Test(arguments: [EventID(high: .max, low: .max), EventID(high: 0, low: 0)])
  func idsAtTheBounds_AreJustUnknown(id: EventID) async throws {
    let store = try await makeStore(TemporaryFolder().path, InMemoryObjectStore())
    _ = try await store.store([texts[0]])
    #expect(try await store.event(id) == nil)
    #expect(try await store.receipt(id) == nil)
    await store.drain(deadline: .seconds(10))
  }

  @Test func foreignObjectNames_AreNoSegments_WhateverTheirNumbersAre() async throws {
    let objects = InMemoryObjectStore()
    let ulid = ULID(milliseconds: testNow / 1_000_000, writer: 1, number: 1)
    for name in ["\(ulid)-0-9223372036854775807-1", "\(ulid)-9-8-1", "x", "\(ulid)-0-1-0"] {
      _ = try await objects.put("inbox/\(name).ndjson.zst", .bytes([1]), if: .none)
    }
    let store = try await makeStore(TemporaryFolder().path, objects)
    _ = try await store.store([texts[0]])
    #expect(try await store.all(query()).count == 1)
    await store.drain(deadline: .seconds(10))
  }

  @Test func batch_IsRefusedAndNeverReplayed_WhenTheJournalFails_AndTheNextOneIsStored() async throws {
    let folder = TemporaryFolder()
    let objects = InMemoryObjectStore()
    let disk = FaultyDisk()
    let store = try await makeStore(folder.path, objects, disk: disk)
    _ = try await store.store([texts[0]])
    for operation in ["write", "sync"] {
      disk.fail { name, path in name == operation && path.hasSuffix(".journal") }
      await #expect(throws: EventStoreError.self) { try await store.store([texts[1]]) }
      #expect(!store.health.canStore)
      disk.fail(nil)
      // Nobody sends events to an unready node: it has to find out by itself.
      while !store.health.canStore { await Task.yield() }
      _ = try await store.store([operation == "write" ? texts[2] : texts[3]])
    }
    #expect(try await store.all(query()).count == 3)
    releaseLocks(store)
    let next = try await makeStore(folder.path, objects)
    #expect(try await next.all(query()).count == 3)
    await next.drain(deadline: .seconds(10))
    await store.drain(deadline: .seconds(10))
  }

  @Test func fullDisk_LeavesNoFilesBehind_WhileItRefusesEvents() async throws {
    let folder = TemporaryFolder()
    let disk = FaultyDisk()
    let store = try await makeStore(folder.path, InMemoryObjectStore(), disk: disk)
    disk.fail { name, _ in name == "write" }
    for _ in 0..<50 { await #expect(throws: EventStoreError.self) { try await store.store([texts[0]]) } }
    let writer = store.state.withLock { $0.writer }
    #expect(try disk.list(store.folder.journal(writer: writer)) == ["lock"])
    disk.fail(nil)
    await store.drain(deadline: .seconds(10))
  }

  @Test func events_AreUploadedFromMemory_WhenTheSpoolHasNoRoom() async throws {
    let folder = TemporaryFolder()
    let objects = InMemoryObjectStore()
    let disk = FaultyDisk()
    let store = try await makeStore(folder.path, objects, disk: disk)
    disk.fail { name, path in name == "write" && path.contains("/spool/") }
    #expect(try await store.store(texts, acknowledge: .objectStore).durability == .objectStore)
    #expect(try await store.all(query()).count == 40)
    #expect(store.backlog.bytes == 0)
    await store.drain(deadline: .seconds(10))
  }

  @Test func start_ServesWhatItCan_WhenTheDiskIsFullAndOneFileIsUnreadable() async throws {
    let folder = TemporaryFolder()
    let objects = SwitchedStore()
    let first = try await makeStore(folder.path, objects, uploadBytes: 1)
    objects.fail(.unavailable("refused"))
    for text in texts[..<6] { _ = try await first.store([text]) }
    while first.view.counts.spool < 6 { await Task.yield() }
    let late = try await makeStore(folder.path, objects)
    _ = try await late.store(Array(texts[6..<20]))
    // As a crash leaves it, without the two who still live here.
    let crashed = TemporaryFolder()
    try FileManager.default.copyItem(atPath: folder.path, toPath: crashed.file("data"))
    await first.drain(deadline: .zero)
    await late.drain(deadline: .zero)
    objects.fail(nil)
    let disk = FaultyDisk()
    disk.fail { name, path in
      (name == "write" && path.contains("/spool/")) || (name == "open" && path.hasSuffix("0000000000002.ndjson.zst"))
    }
    let next = try await makeStore(crashed.file("data"), objects, disk: disk)
    #expect(try await next.all(query()).count == 19)
    disk.fail(nil)
    await next.drain(deadline: .seconds(10))
    let last = try await makeStore(crashed.file("data"), objects)
    #expect(try await last.all(query()).count == 20)
    await last.drain(deadline: .seconds(10))
  }

  @Test(arguments: [EventQuery.Order.ascending, .descending])
  func shortPages_GiveEveryEventOnce_WhenTheScanBoundEndsThem(order: EventQuery.Order) async throws {
    let folder = TemporaryFolder()
    let objects = InMemoryObjectStore()
    let store = try await makeStore(folder.path, objects, maxScanBytes: 1)
    for chunk in stride(from: 0, to: 40, by: 8) {
      _ = try await store.store(Array(texts[chunk..<chunk + 8]), acknowledge: .objectStore)
    }
    let bounded = try await makeStore(TemporaryFolder().path, objects, maxScanBytes: 1)
    var query = query(order: order, limit: 1000)
    var lines: [[UInt8]] = []
    var pages = 0
    while true {
      let page = try await bounded.query(query)
      lines += page.lines
      pages += 1
      guard let next = page.next else { break }
      query.after = next
    }
    #expect(lines.count == 40)
    #expect(Set(lines).count == 40)
    #expect(pages > 1, "the bound ended pages")
    await store.drain(deadline: .seconds(10))
    await bounded.drain(deadline: .seconds(10))
  }

  @Test func pageOfLongLines_EndsEarlyAndGoesOn() async throws {
    let store = try await makeStore(TemporaryFolder().path, InMemoryObjectStore())
    let long = (0..<100).map {
      eventJSON("long", at: -Double($0), metadata: "{\"x\":\"\(String(repeating: "y", count: 250_000))\"}")
    }
    for chunk in stride(from: 0, to: 100, by: 25) { _ = try await store.store(Array(long[chunk..<chunk + 25])) }
    let page = try await store.query(query(limit: 1000))
    #expect((10..<100).contains(page.lines.count))
    #expect(page.next != nil)
    #expect(try await store.all(query(limit: 1000)).count == 100)
    await store.drain(deadline: .seconds(10))
  }

  @Test func otherReads_GoOn_WhenOneReaderHangsUp() async throws {
    let objects = SwitchedStore()
    let store = try await makeStore(TemporaryFolder().path, objects)
    _ = try await store.store([texts[0]])
    for _ in 0..<20 {
      let reader = Task { try await store.query(query()) }
      reader.cancel()
      _ = await reader.result
      #expect(try await store.all(query()).count == 1)
      #expect(store.health.storeReachable)
    }
    await store.drain(deadline: .seconds(10))
  }

  @Test func manyWaiters_AllGetTheirAnswer_WhenTheStoreIsAway() async throws {
    let objects = SwitchedStore()
    let store = try await makeStore(TemporaryFolder().path, objects)
    objects.fail(.unavailable("refused"))
    for round in 0..<20 {
      var batch = store.makeBatch()
      _ = try batch.append(text: texts[round])
      #expect(try await store.commit(batch, acknowledge: .objectStore, timeout: .milliseconds(20)) == .journal)
    }
    objects.fail(nil)
    await store.drain(deadline: .seconds(10))
  }

  @Test func refusedSegment_DoesNotKeepOthersFromTheBucket() async throws {
    let objects = PickyStore()
    let store = try await makeStore(TemporaryFolder().path, objects)
    objects.refuse.withLock { $0 = true }
    var batch = store.makeBatch()
    _ = try batch.append(text: texts[0])
    #expect(try await store.commit(batch, acknowledge: .objectStore, timeout: .milliseconds(50)) == .journal)
    objects.refuse.withLock { $0 = false }
    #expect(try await store.store([texts[1]], acknowledge: .objectStore).durability == .objectStore)
    #expect(try await store.all(query()).count == 2)
    await store.drain(deadline: .seconds(15))
    #expect(store.backlog.bytes == 0)
  }
}

/// Refuses PUTs for good while told so.
private final class PickyStore: ObjectStore {
  let refuse = Mutex(false)
  private let base = InMemoryObjectStore()

  func get(_ key: String, range: Range<Int>?) async throws(ObjectStoreError) -> StoredObject? {
    try await base.get(key, range: range)
  }

  func head(_ key: String) async throws(ObjectStoreError) -> ObjectInfo? { try await base.head(key) }

  func put(_ key: String, _ body: ObjectBody, if condition: PutCondition) async throws(ObjectStoreError) -> PutOutcome {
    if refuse.withLock({ $0 }) { throw .rejected("too large") }
    return try await base.put(key, body, if: condition)
  }

  func list(prefix: String, after: String?, limit: Int) async throws(ObjectStoreError) -> ObjectPage {
    try await base.list(prefix: prefix, after: after, limit: limit)
  }

  func delete(_ keys: [String]) async throws(ObjectStoreError) { try await base.delete(keys) }
}

/// Answers nothing until the caller is cancelled, while told so; cancellation is noticed, as by the HTTP client.
private final class SilentStore: ObjectStore {
  let isSilent = Mutex(false)
  private let base = InMemoryObjectStore()

  private func answer() async throws(ObjectStoreError) {
    guard isSilent.withLock({ $0 }) else { return }
    let (never, sink) = AsyncStream<Void>.makeStream()
    for await _ in never {}
    sink.finish()
    throw .unavailable("cancelled")
  }

  func get(_ key: String, range: Range<Int>?) async throws(ObjectStoreError) -> StoredObject? {
    try await answer()
    return try await base.get(key, range: range)
  }

  func head(_ key: String) async throws(ObjectStoreError) -> ObjectInfo? { try await base.head(key) }

  func put(_ key: String, _ body: ObjectBody, if condition: PutCondition) async throws(ObjectStoreError) -> PutOutcome {
    try await answer()
    return try await base.put(key, body, if: condition)
  }

  func list(prefix: String, after: String?, limit: Int) async throws(ObjectStoreError) -> ObjectPage {
    try await answer()
    return try await base.list(prefix: prefix, after: after, limit: limit)
  }

  func delete(_ keys: [String]) async throws(ObjectStoreError) { try await base.delete(keys) }
}

@Suite struct SilentStoreTests {
  private func seconds(_ body: () async throws -> Void) async rethrows -> Double {
    let clock = SystemClock()
    let start = clock.monotonicNanoseconds()
    try await body()
    return Double(clock.monotonicNanoseconds() - start) / 1e9
  }

  @Test(.timeLimit(.minutes(1)))
  func read_EndsWithItsTime_WhenTheStoreIsSilent_AndOthersAreReadStill() async throws {
    let objects = SilentStore()
    let store = try await makeStore(TemporaryFolder().path, objects, queryTimeoutSeconds: 0.2)
    let id = try await store.store([eventJSON("call")]).ids[0]
    objects.isSilent.withLock { $0 = true }
    let spent = await seconds {
      await #expect(throws: EventStoreError.self) { try await store.query(query()) }
    }
    #expect(spent < 20, "query.timeout and the second behind it, not the deadlines of the store")
    #expect(try await store.event(id) != nil)
    await store.drain(deadline: .milliseconds(100))
  }

  @Test(.timeLimit(.minutes(1)))
  func drain_EndsInItsTime_WhenTheStoreIsSilent() async throws {
    let objects = SilentStore()
    let store = try await makeStore(TemporaryFolder().path, objects)
    _ = try await store.store([eventJSON("call")])
    objects.isSilent.withLock { $0 = true }
    let reader = Task { try await store.query(query()) }
    let waiter = Task {
      var batch = store.makeBatch()
      _ = try batch.append(text: eventJSON("other"))
      return try await store.commit(batch, acknowledge: .objectStore, timeout: .seconds(3600))
    }
    while !store.backlog.hasWaiters { await Task.yield() }
    store.endWaits()
    #expect(try await waiter.value == .journal)
    let spent = await seconds { await store.drain(deadline: .milliseconds(200)) }
    #expect(spent < 20)
    reader.cancel()
    _ = await reader.result
  }
}
