// From events in memory or in a journal file to the bytes of a segment.

import Primitives

enum SegmentMaker {
  /// Sorts, drops copies (of equal ids the smallest createdAt is the event) and builds. nil for an empty memtable.
  static func segment(
    of memtable: MemtableSnapshot
  ) throws(ZstdError) -> (bytes: [UInt8], footer: SegmentFooter)? {
    var entries: [MemtableEntry] = []
    entries.reserveCapacity(memtable.count)
    memtable.forEach { entries.append($0) }
    // Commit order is the order of createdAt; a stable order of equal keys keeps the earliest copy in front.
    var order = Array(entries.indices)
    order.sort { left, right in
      entries[left].key != entries[right].key ? entries[left].key < entries[right].key : left < right
    }
    var builder = try SegmentBuilder(identity: memtable.memtable.file)
    var previous: EventKey?
    for index in order {
      let entry = entries[index]
      if entry.key == previous { continue }
      previous = entry.key
      try memtable.line(entry).withBytes { line throws(ZstdError) in
        guard let view = try? LineView(line) else { throw ZstdError(reason: "a line in memory is damaged") }
        try builder.append(line, key: entry.key, eventType: UnsafeRawBufferPointer(rebasing: line[view.eventType]))
      }
    }
    return try builder.finish()
  }

  /// A memtable from the payloads of a journal file. Lines that do not have the layout are counted, not guessed at.
  static func memtable(
    of contents: JournalContents, _ bytes: UnsafeRawBufferPointer
  ) -> (memtable: Memtable, damagedLines: Int) {
    let memtable = Memtable(file: contents.identity)
    var slabs: [Slab] = []
    var entries: [MemtableEntry] = []
    var damagedLines = 0
    for payload in contents.payloads {
      let slab = Slab(capacity: payload.count)
      UnsafeMutableRawBufferPointer(start: slab.base, count: payload.count).copyMemory(
        from: UnsafeRawBufferPointer(rebasing: bytes[payload]))
      slabs.append(slab)
      var lines = LineSplitter(UnsafeRawBufferPointer(start: slab.base, count: payload.count))
      var start = lines.offset
      while let line = lines.next() {
        if let view = try? LineView(line) {
          entries.append(
            MemtableEntry(
              key: view.key, slab: UInt32(slabs.count - 1), offset: UInt32(start), length: UInt32(line.count),
              record: UInt32(truncatingIfNeeded: payload.lowerBound - JournalFormat.recordHeaderSize), next: 0))
        } else {
          damagedLines += 1
        }
        start = lines.offset
      }
    }
    memtable.publish(entries, slabs: slabs)
    return (memtable, damagedLines)
  }
}
