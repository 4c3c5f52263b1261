// Reads one page over one immutable view: memtables are scanned, segments give their blocks in the order of the blocks' bounds, and
// the read ends when no block that is left can hold a line of the page. A segment is opened when the merge reaches its range.

import Primitives

struct QueryLimits: Sendable {
  /// Bytes of blocks a read may look at before it ends with a short page.
  var maxScanBytes: Int
  /// Monotonic nanoseconds when it ends with a short page.
  var deadline: Int64
}

struct QueryEngine: Sendable {
  let reader: SegmentReader
  let clock: any Clock

  /// Segments of one call that are opened at the same time.
  private static let parallelReads = 16

  func page(_ selection: Selection, _ view: ReadView, _ limits: QueryLimits) async throws(ReadFailure) -> EventPage {
    var page = PageBuilder(selection)
    for memtable in view.memtables { Self.scan(memtable, selection, &page) }
    let segments = view.segments.filter { selection.overlaps($0.range) }
    if selection.callHash != nil { try await warm(segments, selection) }

    var heap = CursorHeap(order: selection.order)
    for segment in segments {
      let bound =
        selection.order == .ascending
        ? max(selection.lowest, .first(of: segment.range.lowerBound))
        : min(selection.end, .first(of: segment.range.upperBound + 1))
      heap.push(MergeCursor(segment: segment, stage: .unopened, bound: bound))
    }

    var scannedBytes = 0
    var scannedSegments: Set<FileIdentity> = []
    var horizon: EventKey?
    while let bound = heap.top, page.wants(bound) {
      if scannedBytes > limits.maxScanBytes || (scannedBytes > 0 && clock.monotonicNanoseconds() > limits.deadline) {
        horizon = bound
        break
      }
      guard let cursor = heap.pop() else { break }
      if let advanced = try await advance(cursor, selection, &page, &scannedBytes) { heap.push(advanced) }
      scannedSegments.insert(cursor.segment.identity)
    }
    let (items, next) = page.finish(horizon: horizon)
    return EventPage(lines: items.map(\.line), next: next, segmentsScanned: scannedSegments.count)
  }

  /// One step of one segment: opens it, or reads its next block. nil when nothing of it is left.
  private func advance(
    _ cursor: MergeCursor, _ selection: Selection, _ page: inout PageBuilder, _ scannedBytes: inout Int
  ) async throws(ReadFailure) -> MergeCursor? {
    switch cursor.stage {
    case .unopened:
      let index = try await reader.index(of: cursor.segment)
      let numbers = try await blockNumbers(cursor.segment, index, selection)
      return Self.cursor(cursor.segment, index, numbers, next: 0, selection)
    case .opened(let index, let numbers, let next):
      let number = numbers.number(next, selection.order)
      let lines = try await reader.block(of: cursor.segment, index, number)
      scannedBytes += lines.count
      do {
        try Self.scan(lines, selection, &page)
      } catch {
        throw .damaged(cursor.segment.identity, .malformed("line in block \(number)"))
      }
      return Self.cursor(cursor.segment, index, numbers, next: next + 1, selection)
    }
  }

  private func blockNumbers(
    _ segment: Segment, _ index: SegmentIndex, _ selection: Selection
  ) async throws(ReadFailure) -> MergeCursor.BlockNumbers {
    if let callHash = selection.callHash {
      let numbers = try await reader.blocks(of: segment, index, callHash: callHash)
      return .list(
        numbers.filter { selection.lowest <= index.lastKeyBound($0) && index.block($0).firstKey < selection.end })
    }
    let low = index.blockNumber(reaching: selection.lowest)
    let high = index.blockNumber(reaching: selection.end)
    return .range(low..<high + 1)
  }

  private static func cursor(
    _ segment: Segment, _ index: SegmentIndex, _ numbers: MergeCursor.BlockNumbers, next: Int, _ selection: Selection
  ) -> MergeCursor? {
    guard next < numbers.count else { return nil }
    let number = numbers.number(next, selection.order)
    let bound =
      selection.order == .ascending
      ? max(selection.lowest, index.block(number).firstKey) : min(selection.end, index.lastKeyBound(number))
    return MergeCursor(segment: segment, stage: .opened(index, numbers: numbers, next: next), bound: bound)
  }

  /// A call's lines are few and its segments may be many and far: their indexes and blocks are fetched side by side into the cache.
  private func warm(_ segments: [Segment], _ selection: Selection) async throws(ReadFailure) {
    guard segments.count > 1, let callHash = selection.callHash else { return }
    let reader = self.reader
    do {
      try await withThrowingTaskGroup(of: Void.self) { group in
        for (position, segment) in segments.enumerated() {
          if position >= Self.parallelReads { try await group.next() }
          group.addTask {
            let index = try await reader.index(of: segment)
            for number in try await reader.blocks(of: segment, index, callHash: callHash).prefix(selection.limit)
            where selection.lowest <= index.lastKeyBound(number) && index.block(number).firstKey < selection.end {
              _ = try await reader.block(of: segment, index, number)
            }
          }
        }
        try await group.waitForAll()
      }
    } catch let failure as ReadFailure {
      throw failure
    } catch {
      throw .unavailable("\(error)")
    }
  }

  private static func scan(_ memtable: MemtableSnapshot, _ selection: Selection, _ page: inout PageBuilder) {
    guard let range = memtable.range, selection.overlaps(range) else { return }
    func offer(_ entry: MemtableEntry) {
      guard selection.contains(entry.key), page.wants(entry.key) else { return }
      memtable.line(entry).withBytes { line in
        // A line of a memtable was made by this process a moment ago: it has the layout.
        guard let view = try? LineView(line), selection.accepts(view, line) else { return }
        page.offer(entry.key, createdAt: view.createdAt, line: line)
      }
    }
    if let callHash = selection.callHash {
      memtable.entries(callHash: callHash).forEach(offer)
    } else {
      memtable.forEach(offer)
    }
  }

  private static func scan(_ block: [UInt8], _ selection: Selection, _ page: inout PageBuilder) throws(DamagedLine) {
    try block.withRawBytes { bytes throws(DamagedLine) in
      var lines = LineSplitter(bytes)
      while let line = lines.next() {
        let view = try LineView(line)
        guard selection.contains(view.key), page.wants(view.key), selection.accepts(view, line) else { continue }
        page.offer(view.key, createdAt: view.createdAt, line: line)
      }
    }
  }
}
