import ObjectStore
import Primitives
import Synchronization
import TestSupport
import Testing

@testable import EventStore

@Suite struct StoreTests {
  private let calls = (0..<50).flatMap { call in
    (0..<4).map { step in
      eventJSON(
        "call-\(call)", ["initiated", "ringing", "answered", "ended"][step], at: -Double((call * 37 + step * 11) % 600))
    }
  }

  /// Everything a caller can ask, against a model made of the same lines.
  private func check(_ store: EventStore, count: Int) async throws {
    let all = try await store.all(query(limit: 7))
    #expect(all.count == count)
    #expect(Set(all).count == count)
    let keys = try all.map { line in
      try Array(line.utf8).withRawBytes { (line: UnsafeRawBufferPointer) throws(DamagedLine) in try LineView(line).key }
    }
    #expect(keys == keys.sorted())
    #expect(try await store.all(query(order: .descending, limit: 9)) == all.reversed())
    for call in [0, 17, 49] {
      let expected = all.filter { $0.contains("\"callId\":\"call-\(call)\"") }
      #expect(try await store.all(query(callId: "call-\(call)", limit: 3)) == expected)
      #expect(try await store.all(query(callId: "call-\(call)", order: .descending)) == expected.reversed())
    }
    let types = try await store.all(query(types: ["answered", "ended"], limit: 13))
    #expect(types == all.filter { $0.contains("\"eventType\":\"answered\"") || $0.contains("\"eventType\":\"ended\"") })
    var range = query(limit: 5)
    range.start = testNow - 300_000_000_000
    range.end = testNow - 100_000_000_000
    let inRange = zip(all, keys).filter {
      $0.1.instant >= testNow - 300_000_000_000 && $0.1.instant < testNow - 100_000_000_000
    }
    #expect(try await store.all(range) == inRange.map(\.0))
    for (line, key) in zip(all, keys).prefix(20) {
      #expect(try await store.event(key.id).map { String(decoding: $0, as: UTF8.self) } == line)
    }
    #expect(
      try await store.event(EventID(milliseconds: testNow / 1_000_000, callHash: 1, isKeyed: false, unique: 5)) == nil)
  }

  @Test func events_AreReadFromMemory_WhenTheyWereJustAcknowledged() async throws {
    let folder = TemporaryFolder()
    let store = try await makeStore(folder.path, InMemoryObjectStore())
    let (_, durability) = try await store.store(calls)
    #expect(durability == .journal)
    try await check(store, count: 200)
    await store.drain(deadline: .seconds(10))
  }

  @Test func events_AreReadFromTheBucket_WhenTheObjectStoreWasAskedFor() async throws {
    let folder = TemporaryFolder()
    let objects = InMemoryObjectStore()
    let store = try await makeStore(folder.path, objects)
    for chunk in stride(from: 0, to: calls.count, by: 40) {
      #expect(
        try await store.store(Array(calls[chunk..<chunk + 40]), acknowledge: .objectStore).durability == .objectStore)
    }
    #expect(store.view.counts == (0, 5))
    try await check(store, count: 200)
    let other = try await makeStore(TemporaryFolder().path, objects)
    try await check(other, count: 200)
    await store.drain(deadline: .seconds(10))
    await other.drain(deadline: .seconds(10))
  }

  @Test func events_ComeFromAllTiersInOneOrder_WhenTheyAreSpreadOverThem() async throws {
    let folder = TemporaryFolder()
    let objects = SwitchedStore()
    let store = try await makeStore(folder.path, objects)
    _ = try await store.store(Array(calls[..<60]), acknowledge: .objectStore)
    _ = try await store.store(Array(calls[60..<120]), acknowledge: .objectStore)
    _ = try await store.store(Array(calls[120...]))
    #expect(store.view.current.memtables.reduce(0) { $0 + $1.count } == 80)
    try await check(store, count: 200)
    await store.drain(deadline: .seconds(10))
    #expect(store.view.counts == (0, 3))
  }

  @Test func events_AreThereAfterARestart_WhenTheProcessJustStopped() async throws {
    let folder = TemporaryFolder()
    let objects = InMemoryObjectStore()
    let first = try await makeStore(folder.path, objects)
    _ = try await first.store(Array(calls[..<100]))
    _ = try await first.store(Array(calls[100...]))
    // As kill -9 leaves it: nothing is flushed or removed, only the lock goes.
    first.state.withLock { state in
      for lock in state.locks.values { lock.release() }
      state.locks = [:]
    }
    let second = try await makeStore(folder.path, objects)
    try await check(second, count: 200)
    await second.drain(deadline: .seconds(10))
    #expect(second.backlog.bytes == 0)
    let third = try await makeStore(folder.path, objects)
    try await check(third, count: 200)
    await third.drain(deadline: .seconds(10))
    await first.drain(deadline: .seconds(10))
  }

  @Test func events_StayInTheJournalAndAreBrought_WhenTheStoreIsAwayForAWhile() async throws {
    let folder = TemporaryFolder()
    let objects = SwitchedStore()
    objects.fail(.unavailable("refused"))
    let store = try await makeStore(folder.path, objects)
    #expect(store.salt == nil)
    #expect(!store.health.storeReachable)
    #expect(store.health.canStore)
    let (ids, durability) = try await store.store(Array(calls[..<10]))
    #expect(durability == .journal)
    #expect(try await store.event(ids[3]) != nil)
    await #expect(throws: EventStoreError.self) { try await store.query(query()) }
    var batch = store.makeBatch()
    _ = try batch.append(text: calls[10])
    #expect(try await store.commit(batch, acknowledge: .objectStore, timeout: .milliseconds(100)) == .journal)
    objects.fail(nil)
    #expect(try await store.store([calls[11]], acknowledge: .objectStore).durability == .objectStore)
    await store.drain(deadline: .seconds(20))
    let other = try await makeStore(TemporaryFolder().path, objects)
    #expect(try await other.all(query()).count == 12)
    await other.drain(deadline: .seconds(10))
  }

  @Test func event_IsReadFromTheSpool_WhenTheStoreIsAway() async throws {
    let folder = TemporaryFolder()
    let objects = SwitchedStore()
    objects.fail(.unavailable("refused"))
    let store = try await makeStore(folder.path, objects, uploadBytes: 1)
    let id = try await store.store([calls[0]]).ids[0]
    while store.view.counts.spool == 0 { await Task.yield() }
    #expect(try await store.event(id) != nil)
    #expect(try await store.receipt(id)?.durability == .journal)
    objects.fail(nil)
    await store.drain(deadline: .seconds(10))
    #expect(try await store.receipt(id)?.durability == .objectStore)
  }

  @Test func drain_KeepsWhatCannotBeUploaded_WhenTheStoreIsAway() async throws {
    let folder = TemporaryFolder()
    let objects = SwitchedStore()
    let store = try await makeStore(folder.path, objects)
    objects.fail(.unavailable("refused"))
    _ = try await store.store(Array(calls[..<10]))
    await store.drain(deadline: .milliseconds(300))
    await #expect(throws: EventStoreError.shuttingDown) { try await store.store([calls[0]]) }
    objects.fail(nil)
    let next = try await makeStore(folder.path, objects)
    #expect(try await next.all(query()).count == 10)
    await next.drain(deadline: .seconds(10))
    #expect(objects.putCount >= 2)
  }

  @Test func store_RefusesInsteadOfLosing_WhenTheJournalIsFull() async throws {
    let folder = TemporaryFolder()
    let objects = SwitchedStore()
    let store = try await makeStore(folder.path, objects, journalMaxBytes: 4000)
    objects.fail(.unavailable("refused"))
    var stored = 0
    do {
      for text in calls {
        _ = try await store.store([text])
        stored += 1
      }
      Issue.record("nothing was refused")
    } catch let error as EventStoreError {
      guard case .cannotStore(let reason) = error else { throw error }
      #expect(reason.contains("storage.journal.max_bytes"))
    }
    #expect(stored > 5)
    #expect(!store.health.canStore)
    objects.fail(nil)
    await store.drain(deadline: .seconds(10))
    let other = try await makeStore(TemporaryFolder().path, objects)
    #expect(try await other.all(query()).count == stored)
    await other.drain(deadline: .seconds(10))
  }

  @Test func start_Fails_WhenOnlyAPersonCanMendTheStore() async throws {
    let objects = SwitchedStore()
    objects.fail(.misconfigured("bucket calls at 127.0.0.1: no such bucket"))
    await #expect(throws: ObjectStoreError.self) { try await makeStore(TemporaryFolder().path, objects) }
  }

  @Test func keyedEvent_IsOneEvent_WhenItWasStoredTwice() async throws {
    let folder = TemporaryFolder()
    let store = try await makeStore(folder.path, InMemoryObjectStore())
    let text = eventJSON("call-k", key: "once")
    let first = try await store.store([text], acknowledge: .objectStore).ids
    let second = try await store.store([text]).ids
    #expect(first == second)
    #expect(try await store.all(query(callId: "call-k")).count == 1)
    await store.drain(deadline: .seconds(10))
    #expect(try await store.all(query(callId: "call-k")).count == 1)
  }

  @Test func receipt_SaysWhereTheEventIs_InEachTier() async throws {
    let folder = TemporaryFolder()
    let store = try await makeStore(folder.path, InMemoryObjectStore())
    let ids = try await store.store(Array(calls[..<3])).ids
    let early = try #require(try await store.receipt(ids[1]))
    #expect(early.durability == .journal)
    #expect(early.segment == nil)
    _ = try await store.store([calls[3]], acknowledge: .objectStore)
    let late = try #require(try await store.receipt(ids[1]))
    #expect(late.durability == .objectStore)
    #expect(late.segment?.hasPrefix("inbox/") == true)
    #expect(late.crc32c == early.crc32c)
    #expect(late.node == early.node)
    #expect(late.uploadedAt != nil)
    #expect(try await store.receipt(EventID(high: 1, low: 1)) == nil)
    await store.drain(deadline: .seconds(10))
  }
}
