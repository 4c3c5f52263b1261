// Reads: one page, one event, one receipt.

import Logging
import ObjectStore
import Observability
import Primitives
import Synchronization

extension EventStore {
  /// How long after a read the catalog is kept fresh in the background.
  private static let busyNanoseconds: Int64 = 10_000_000_000

  var hadReadLately: Bool { clock.monotonicNanoseconds() - state.withLock { $0.lastReadAt } < Self.busyNanoseconds }

  /// One page. Throws `EventStoreError.busy` above the bound of concurrent reads, `.unavailable` where the object store
  /// is needed and does not answer.
  package func query(_ query: EventQuery) async throws(EventStoreError) -> EventPage {
    let kind = query.callId != nil ? "call" : "range"
    return try await read(kind) { store throws(EventStoreError) in
      try await store.refresh(isStrong: query.isStrong)
      return try await store.page(Selection(query))
    }
  }

  /// The event's line, or nil. Refreshes the catalog before it says nil.
  package func event(_ id: EventID) async throws(EventStoreError) -> [UInt8]? {
    if let line = inMemory(id) { return line }
    return try await read("event") { store throws(EventStoreError) in
      guard let selection = Selection(id) else { return nil }
      // A hit needs no fresh catalog, and no object store where the spool has it.
      if let line = try? await store.page(selection).lines.first { return line }
      try await store.refresh(isStrong: true)
      return try await store.page(selection).lines.first
    }
  }

  /// What was acknowledged a moment ago needs no thread but the caller's.
  private func inMemory(_ id: EventID) -> [UInt8]? {
    // Of a keyed event there may be an older copy elsewhere, and the oldest is the event.
    guard !id.isKeyed else { return nil }
    for memtable in view.memtables {
      for entry in memtable.entries(callHash: id.callHash) where entry.key.id == id {
        return memtable.line(entry).bytes
      }
    }
    return nil
  }

  /// Where the event is; nil where there is none of that id.
  package func receipt(_ id: EventID) async throws(EventStoreError) -> EventReceipt? {
    for memtable in view.memtables {
      for entry in memtable.entries(callHash: id.callHash) where entry.key.id == id {
        return EventReceipt(
          durability: .journal, node: WriterName.text(memtable.memtable.file.writer), segment: nil,
          offset: Int(entry.record), crc32c: memtable.line(entry).withBytes { CRC32C.checksum($0) }, uploadedAt: nil)
      }
    }
    return try await read("receipt") { store throws(EventStoreError) in
      if let receipt = try? await store.located(id) { return receipt }
      try await store.refresh(isStrong: true)
      return try await store.located(id)
    }
  }

  private func located(_ id: EventID) async throws(EventStoreError) -> EventReceipt? {
    try await retrying { store, view throws(ReadFailure) in try await store.locate(id, view) }
  }

  private func locate(_ id: EventID, _ view: ReadView) async throws(ReadFailure) -> EventReceipt? {
    guard let selection = Selection(id) else { return nil }
    for segment in view.segments where selection.overlaps(segment.range) {
      let index = try await reader.index(of: segment)
      for number in try await reader.blocks(of: segment, index, callHash: id.callHash) {
        let lines = try await reader.block(of: segment, index, number)
        let crc = lines.withUnsafeBytes { bytes -> UInt32? in
          var splitter = LineSplitter(bytes)
          while let line = splitter.next() {
            if (try? LineView(line))?.key.id == id { return CRC32C.checksum(line) }
          }
          return nil
        }
        guard let crc else { continue }
        var key: String?
        if case .object(let name) = segment.location { key = name }
        return EventReceipt(
          durability: segment.isUploaded ? .objectStore : .journal, node: WriterName.text(segment.identity.writer),
          segment: key, offset: index.block(number).offset, crc32c: crc, uploadedAt: segment.uploadedAt)
      }
    }
    return nil
  }

  // MARK: What all reads share

  /// Counts, bounds and times a read and runs it on the query threads.
  private func read<Value: Sendable>(
    _ kind: String, _ body: @escaping @Sendable (EventStore) async throws(EventStoreError) -> Value
  ) async throws(EventStoreError) -> Value {
    let start = clock.monotonicNanoseconds()
    let isAllowed = state.withLock { state in
      state.lastReadAt = start
      guard state.queriesRunning < settings.queryConcurrency else { return false }
      state.queriesRunning += 1
      return true
    }
    guard isAllowed else { throw .busy }
    defer {
      state.withLock { $0.queriesRunning -= 1 }
      metrics.queryDuration(kind).observe(nanoseconds: clock.monotonicNanoseconds() - start)
    }
    let outcome = await withTaskExecutorPreference(executors.queries) { await self.inTime(body) }
    return try outcome.get()
  }

  /// A store that does not answer must not keep reads, and with them the places of other reads, for longer than
  /// `query.timeout`. The read ends itself with a short page where it can; this is the end of those that wait.
  private func inTime<Value: Sendable>(
    _ body: @escaping @Sendable (EventStore) async throws(EventStoreError) -> Value
  ) async -> Result<Value, EventStoreError> {
    let pause = self.pause
    let patience = Self.nanoseconds(settings.queryTimeoutSeconds) + 1_000_000_000
    return await withTaskGroup(of: Result<Value, EventStoreError>?.self) { group in
      group.addTask { await Self.onPreferred(self, body) }
      group.addTask {
        await pause(patience)
        return Task.isCancelled ? nil : .failure(.unavailable("the read took longer than query.timeout"))
      }
      defer { group.cancelAll() }
      while let outcome = await group.next() {
        if let outcome { return outcome }
      }
      return .failure(.unavailable("the read was given up"))
    }
  }

  /// `@concurrent`: leaves the caller's executor for the preferred one.
  @concurrent private static func onPreferred<Value: Sendable>(
    _ store: EventStore, _ body: @Sendable (EventStore) async throws(EventStoreError) -> Value
  ) async -> Result<Value, EventStoreError> {
    do {
      return .success(try await body(store))
    } catch {
      return .failure(error)
    }
  }

  private func refresh(isStrong: Bool) async throws(EventStoreError) {
    do {
      try await catalog.ensureFresh(isStrong: isStrong)
    } catch {
      throw .unavailable(error.message)
    }
  }

  private func page(_ selection: Selection) async throws(EventStoreError) -> EventPage {
    let limits = QueryLimits(
      maxScanBytes: settings.queryMaxScanBytes,
      deadline: clock.monotonicNanoseconds() + Self.nanoseconds(settings.queryTimeoutSeconds))
    let engine = QueryEngine(reader: reader, clock: clock)
    let page = try await retrying { _, view throws(ReadFailure) in try await engine.page(selection, view, limits) }
    metrics.objectsScanned.add(page.segmentsScanned)
    return page
  }

  /// A segment moves from the spool to the bucket under a read now and then: the read begins again on a new view.
  private func retrying<Value: Sendable>(
    _ body: (EventStore, ReadView) async throws(ReadFailure) -> Value
  ) async throws(EventStoreError) -> Value {
    var triesLeft = 4
    while true {
      do {
        return try await body(self, view.current)
      } catch {
        switch error {
        case .gone(let identity):
          triesLeft -= 1
          if triesLeft == 0 { throw .unavailable("segment \(identity.writer)/\(identity.number) is not in the store") }
        case .unavailable(let reason): throw .unavailable(reason)
        case .damaged(let identity, let damage):
          let name = "\(WriterName.text(identity.writer))/\(identity.number)"
          logger.error("segment is damaged", metadata: ["segment": "\(name)", "reason": "\(damage)"])
          throw .unavailable("segment \(name): \(damage)")
        }
      }
    }
  }
}
