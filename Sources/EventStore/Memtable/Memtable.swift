// The events of one journal file, in memory, from their acknowledgement until the file's segment is in the spool.
//
// The commit thread appends; readers on any thread look things up. Entries and lines below a published count never
// change and never move, so a reader needs the lock only to learn what is there, not while it reads.

import Primitives
import Synchronization

/// One event: its key, where its line is, and the next older one with the same low bits of the callId's hash.
struct MemtableEntry {
  var key: EventKey
  var slab: UInt32
  var offset: UInt32
  var length: UInt32
  /// Offset of its record in the journal file.
  var record: UInt32
  /// Index + 1 of the next entry of the chain; 0 ends it.
  var next: UInt32
}

final class Memtable: Sendable {
  /// The journal file whose events these are.
  let file: FileIdentity
  private let state: Mutex<State>

  private static let chunkSize = 4096
  private static let chainCount = 1 << 14

  fileprivate final class Chunk: @unchecked Sendable {
    let entries = UnsafeMutablePointer<MemtableEntry>.allocate(capacity: Memtable.chunkSize)
    deinit { entries.deallocate() }
  }

  private struct State {
    var slabs: [Slab] = []
    var chunks: [Chunk] = []
    var count = 0
    var bytes = 0
    var range: ClosedRange<Int64>?
    var chains = [UInt32](repeating: 0, count: Memtable.chainCount)
  }

  init(file: FileIdentity) {
    self.file = file
    state = Mutex(State())
  }

  /// Bytes of the lines.
  var bytes: Int { state.withLock { $0.bytes } }
  var count: Int { state.withLock { $0.count } }
  /// Lowest and highest instant.
  var range: ClosedRange<Int64>? { state.withLock { $0.range } }

  /// Makes the entries visible to readers, all at once. Their lines stand in `slabs`, the whole list so far.
  func publish(_ entries: [MemtableEntry], slabs: [Slab]) {
    state.withLock { state in
      state.slabs = slabs
      for var entry in entries {
        if state.count == state.chunks.count * Self.chunkSize { state.chunks.append(Chunk()) }
        let chain = Self.chain(entry.key.id.callHash)
        entry.next = state.chains[chain]
        state.chunks[state.count / Self.chunkSize].entries[state.count % Self.chunkSize] = entry
        state.count += 1
        state.chains[chain] = UInt32(state.count)
        state.bytes += Int(entry.length) + 1
        let instant = entry.key.instant
        state.range =
          min(state.range?.lowerBound ?? instant, instant)...max(state.range?.upperBound ?? instant, instant)
      }
    }
  }

  private static func chain(_ callHash: UInt32) -> Int {
    // Fibonacci hashing: a CRC's low bits alone would do, but neighbours in the table need not be neighbours in the
    // hash.
    Int((callHash &* 0x9E37_79B9) >> 18)
  }

  /// What is there now, as a value.
  var snapshot: MemtableSnapshot {
    state.withLock { state in
      MemtableSnapshot(
        memtable: self, count: state.count, slabs: state.slabs, chunks: state.chunks.map { $0 }, range: state.range)
    }
  }

  /// Entries of that hash among the first `count`, newest first. Only the chain's head is read under the lock: what it
  /// leads to never changes again.
  fileprivate func entries(callHash: UInt32, below count: Int) -> [MemtableEntry] {
    let (head, chunks) = state.withLock { ($0.chains[Self.chain(callHash)], $0.chunks) }
    var found: [MemtableEntry] = []
    var link = Int(head)
    while link > 0 {
      let index = link - 1
      let entry = chunks[index / Self.chunkSize].entries[index % Self.chunkSize]
      if index < count, entry.key.id.callHash == callHash { found.append(entry) }
      link = Int(entry.next)
    }
    return found
  }

  /// A memtable as it was at one moment.
  struct MemtableSnapshot: Sendable {
    let memtable: Memtable
    let count: Int
    private let slabs: [Slab]
    private let chunks: [Chunk]
    let range: ClosedRange<Int64>?

    fileprivate init(memtable: Memtable, count: Int, slabs: [Slab], chunks: [Chunk], range: ClosedRange<Int64>?) {
      self.memtable = memtable
      self.count = count
      self.slabs = slabs
      self.chunks = chunks
      self.range = range
    }

    func forEach(_ visit: (MemtableEntry) -> Void) {
      var rest = count
      for chunk in chunks where rest > 0 {
        for index in 0..<min(rest, Memtable.chunkSize) { visit(chunk.entries[index]) }
        rest -= Memtable.chunkSize
      }
    }

    func entries(callHash: UInt32) -> [MemtableEntry] { memtable.entries(callHash: callHash, below: count) }

    func line(_ entry: MemtableEntry) -> SlabLine {
      SlabLine(slab: slabs[Int(entry.slab)], offset: Int(entry.offset), length: Int(entry.length))
    }
  }
}

typealias MemtableSnapshot = Memtable.MemtableSnapshot
