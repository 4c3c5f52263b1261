// The journal file that takes new events, and the memory that mirrors it. Used by the commit loop alone.

import Primitives

struct OpenJournal {
  let identity: FileIdentity
  let path: String
  let memtable: Memtable
  private let file: any DiskFile
  private var slabs: [Slab] = []
  /// Used bytes of the last slab.
  private var slabUsed = 0
  /// End of the last durable record.
  private(set) var offset = JournalFormat.headerSize
  private var allocatedEnd = 0
  /// Staged records: contiguous pieces of slabs, to be written from `offset` on.
  private var staged: [(slab: Slab, range: Range<Int>)] = []
  private var stagedEntries: [MemtableEntry] = []
  private var stagedBytes = 0
  /// Monotonic time of the first event; nil while the file has none.
  var firstEventAt: Int64?
  var hasWaiters = false

  private static let slabBytes = 1 << 20
  /// Room is asked for in these steps: a sync into allocated room need not journal a new file size each time.
  private static let allocationStep = 4 << 20

  /// Creates the file with its header, durable with its name.
  init(
    _ identity: FileIdentity, folder: DataFolder, disk: any Disk, spares: JournalSpares? = nil
  ) throws(DiskError) {
    self.identity = identity
    path = folder.journal(identity)
    memtable = Memtable(file: identity)
    let spare = spares?.take()
    if let spare {
      try disk.rename(spare, to: path)
      file = try disk.openForWriting(path)
      allocatedEnd = try file.size()
    } else {
      file = try disk.create(path)
    }
    let header = JournalFormat.header(writer: identity.writer, number: identity.number, isReused: spare != nil)
    try header.withRawBytes { header throws(DiskError) in try file.write(header, at: 0) }
    allocate(upTo: Self.allocationStep)
    try file.sync()
    try disk.syncFolder(folder.journal(writer: identity.writer))
  }

  /// Bytes of the lines it has.
  var bytes: Int { offset - JournalFormat.headerSize }

  /// Puts a batch behind what is staged, as one record. `stamp` gives each event its commit time, in nanoseconds since
  /// 1970.
  mutating func stage(_ batch: EventBatch, stamp: () -> Int64) {
    let size = JournalFormat.recordHeaderSize + batch.bytes.count
    if slabs.last.map({ $0.capacity - slabUsed < size }) ?? true {
      slabs.append(Slab(capacity: max(Self.slabBytes, size)))
      slabUsed = 0
    }
    let slab = slabs[slabs.count - 1]
    let start = slabUsed
    let lines = start + JournalFormat.recordHeaderSize
    batch.bytes.withUnsafeBytes {
      UnsafeMutableRawBufferPointer(start: slab.base + lines, count: $0.count).copyMemory(from: $0)
    }
    let recordOffset = offset + stagedBytes
    for event in batch.events {
      let created = stamp()
      RFC3339.write(created, to: slab.base + lines + Int(event.createdAt))
      var key = event.key
      if !key.id.isKeyed { key.tie = created }
      stagedEntries.append(
        MemtableEntry(
          key: key, slab: UInt32(slabs.count - 1), offset: UInt32(lines + Int(event.start)), length: event.length,
          record: UInt32(truncatingIfNeeded: recordOffset), next: 0))
    }
    JournalFormat.seal(
      record: UnsafeMutableRawBufferPointer(start: slab.base + start, count: size), writer: identity.writer,
      number: identity.number, offset: recordOffset)
    if let last = staged.last, last.slab === slab, last.range.upperBound == start {
      staged[staged.count - 1].range = last.range.lowerBound..<start + size
    } else {
      staged.append((slab, start..<start + size))
    }
    slabUsed = start + size
    stagedBytes += size
  }

  /// Makes the staged records durable and then visible. After a throw the file must not be used again.
  mutating func commit() throws(DiskError) {
    if offset + stagedBytes > allocatedEnd { allocate(upTo: offset + stagedBytes + Self.allocationStep) }
    var at = offset
    for piece in staged {
      try file.write(
        UnsafeRawBufferPointer(start: piece.slab.base + piece.range.lowerBound, count: piece.range.count), at: at)
      at += piece.range.count
    }
    try file.sync()
    offset = at
    memtable.publish(stagedEntries, slabs: slabs)
    staged.removeAll(keepingCapacity: true)
    stagedEntries.removeAll(keepingCapacity: true)
    stagedBytes = 0
  }

  /// Only a help: where the disk has no room, the write itself will say so.
  private mutating func allocate(upTo end: Int) {
    guard end > allocatedEnd, (try? file.allocate(allocatedEnd..<end)) != nil else { return }
    allocatedEnd = end
  }

  /// Drops what was written behind the last durable record.
  func truncate() { try? file.truncate(to: offset) }

  func close() { file.close() }
}
