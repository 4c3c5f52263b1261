import ObjectStore
import Primitives
import TestSupport
import Testing

@testable import EventStore

@Suite struct ReadingTests {
  @Test func places_AreRefusedToQueries_AndWaitedForByShortReads() async {
    let places = ReadPlaces(limit: 2)
    #expect(await places.take(canWait: false))
    #expect(await places.take(canWait: true))
    #expect(await !places.take(canWait: false))
    async let waiting = places.take(canWait: true)
    places.giveBack()
    #expect(await waiting)
    #expect(await !places.take(canWait: false))
    places.giveBack()
    places.giveBack()
    #expect(await places.take(canWait: false))
  }

  @Test func everyEvent_IsServed_WhenMoreReadersThanPlacesAsk() async throws {
    let objects = InMemoryObjectStore()
    let writer = try await makeStore(TemporaryFolder().path, objects)
    let ids = try await writer.store((0..<200).map { eventJSON("call-\($0)") }, acknowledge: .objectStore).ids
    // Cold caches: a store that has read nothing yet.
    let store = try await makeStore(TemporaryFolder().path, objects)
    let found = try await withThrowingTaskGroup(of: Bool.self) { group in
      for id in ids { group.addTask { try await store.event(id) != nil } }
      return try await group.reduce(0) { $0 + ($1 ? 1 : 0) }
    }
    #expect(found == 200)
    let view = store.view.current
    for id in ids {
      let selection = try #require(Selection(id))
      guard case .line(let line) = store.reader.resident(id, in: view.segments[0], selection) else {
        Issue.record("not resident")
        continue
      }
      #expect(String(decoding: line, as: UTF8.self).contains("\"eventId\":\"\(id)\""))
    }
    let stranger = EventID(milliseconds: ids[0].milliseconds, callHash: ids[0].callHash, isKeyed: false, unique: 1)
    let selection = try #require(Selection(stranger))
    guard case .absent = store.reader.resident(stranger, in: view.segments[0], selection) else {
      Issue.record("a stranger was found")
      return
    }
    await writer.drain(deadline: .seconds(10))
    await store.drain(deadline: .seconds(10))
  }
}
