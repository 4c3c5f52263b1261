// Reads one page over one immutable view: memtables are scanned, segments give their blocks in the order of the blocks'
// bounds, and the read ends when no block that is left can hold a line of the page. A segment is opened when the merge
// reaches its range.

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

  /// Segments that are opened, or blocks of one call that are read, at the same time.
  private static let parallelReads = 16

  func page(_ selection: Selection, _ view: ReadView, _ limits: QueryLimits) async throws(ReadFailure) -> EventPage {
    guard selection.lowest < selection.end else { return EventPage(lines: [], next: nil, segmentsScanned: 0) }
    var page = PageBuilder(selection)
    for memtable in view.memtables { Self.scan(memtable, selection, &page) }
    var heap = CursorHeap(order: selection.order)
    for segment in view.segments where selection.overlaps(segment.range) {
      heap.push(MergeCursor(segment: segment, stage: .unopened, bound: selection.bound(segment.range)))
    }

    let start = heap.top
    var scannedBytes = 0
    var scannedSegments: Set<FileIdentity> = []
    while let bound = heap.top, page.wants(bound) {
      // A short page must be a step: it ends only where the read has come behind its beginning.
      let isOver = scannedBytes > limits.maxScanBytes || clock.monotonicNanoseconds() > limits.deadline
      if isOver, let start, selection.order.puts(start, before: bound) { return finish(page, bound, scannedSegments) }
      let steps = try await advance(nextCursors(&heap, selection, page), selection)
      for step in steps {
        scannedSegments.insert(step.segment.identity)
        if let lines = step.lines {
          scannedBytes += lines.count
          try scan(lines, step.segment, selection, &page)
        }
        if let rest = step.rest { heap.push(rest) }
      }
    }
    return finish(page, nil, scannedSegments)
  }

  private func finish(_ page: consuming PageBuilder, _ horizon: EventKey?, _ scanned: Set<FileIdentity>) -> EventPage {
    let (items, next) = page.finish(horizon: horizon)
    return EventPage(lines: items.map(\.line), next: next, segmentsScanned: scanned.count)
  }

  /// The foremost cursor, and with it others that are sure to be needed or cheap to have: segments to be opened, blocks
  /// of one call. A scan of everything reads one block at a time, because the next may not be wanted any more.
  private func nextCursors(_ heap: inout CursorHeap, _ selection: Selection, _ page: borrowing PageBuilder)
    -> [MergeCursor]
  {
    guard let first = heap.pop() else { return [] }
    var cursors = [first]
    guard first.isUnopened || selection.callHash != nil else { return cursors }
    while cursors.count < Self.parallelReads, let bound = heap.top, page.wants(bound), let next = heap.pop() {
      cursors.append(next)
    }
    return cursors
  }

  /// What one step of one segment brought.
  private struct Step: Sendable {
    var segment: Segment
    var lines: [UInt8]?
    /// nil when nothing of the segment is left.
    var rest: MergeCursor?
  }

  private func advance(_ cursors: [MergeCursor], _ selection: Selection) async throws(ReadFailure) -> [Step] {
    if cursors.count == 1 { return [try await advance(cursors[0], selection)] }
    do {
      return try await withThrowingTaskGroup(of: Step.self) { group in
        for cursor in cursors { group.addTask { try await advance(cursor, selection) } }
        var steps: [Step] = []
        for try await step in group { steps.append(step) }
        return steps
      }
    } catch let failure as ReadFailure {
      throw failure
    } catch {
      throw .unavailable("\(error)")
    }
  }

  /// Opens the segment, or reads its next block.
  private func advance(_ cursor: MergeCursor, _ selection: Selection) async throws(ReadFailure) -> Step {
    let segment = cursor.segment
    switch cursor.stage {
    case .unopened:
      let index = try await reader.index(of: segment)
      let numbers = try await blockNumbers(segment, index, selection)
      return Step(segment: segment, rest: Self.cursor(segment, index, numbers, next: 0, selection))
    case .opened(let numbers, let next):
      // Asked for again: a cursor must not keep an index in memory that the cache has let go.
      let index = try await reader.index(of: segment)
      let lines = try await reader.block(of: segment, index, numbers.number(next, selection.order))
      return Step(
        segment: segment, lines: lines, rest: Self.cursor(segment, index, numbers, next: next + 1, selection))
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
    return MergeCursor(segment: segment, stage: .opened(numbers: numbers, next: next), bound: bound)
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

  private func scan(
    _ block: [UInt8], _ segment: Segment, _ selection: Selection, _ page: inout PageBuilder
  ) throws(ReadFailure) {
    do {
      try block.withRawBytes { bytes throws(DamagedLine) in
        var lines = LineSplitter(bytes)
        while let line = lines.next() {
          let view = try LineView(line)
          guard selection.contains(view.key), page.wants(view.key), selection.accepts(view, line) else { continue }
          page.offer(view.key, createdAt: view.createdAt, line: line)
        }
      }
    } catch {
      throw .damaged(segment.identity, .malformed("line"))
    }
  }
}
