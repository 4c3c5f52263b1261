import Primitives
import TestSupport
import Testing

@testable import EventStore

@Suite struct JournalTests {
  private let identity = FileIdentity(writer: 0xAB_CDEF_0123, number: 7)

  /// A journal file with these batches, one record each, and the file's used end.
  private func journal(_ batches: [[String]], _ folder: TemporaryFolder) throws -> (bytes: [UInt8], end: Int) {
    let data = DataFolder(path: folder.path)
    let disk = PosixDisk()
    try disk.makeFolder(data.journal(writer: identity.writer))
    var open = try OpenJournal(identity, folder: data, disk: disk)
    var created = testNow
    for texts in batches {
      open.stage(try batch(texts)) {
        created += 1
        return created
      }
      try open.commit()
    }
    open.close()
    return (try disk.readWhole(data.journal(identity)), open.offset)
  }

  private func contents(_ bytes: [UInt8]) throws -> JournalContents {
    try bytes.withRawBytes { (bytes: UnsafeRawBufferPointer) throws(NewerJournalVersion) in
      try JournalContents(bytes, identity: identity)
    }
  }

  private let batches = [[eventJSON("a")], [eventJSON("b"), eventJSON("c", at: -5)], [eventJSON("d")]]

  @Test func replay_GivesEveryCommittedEvent_WhenTheFileIsWhole() throws {
    let (bytes, end) = try journal(batches, TemporaryFolder())
    let contents = try contents(bytes)
    #expect(contents.payloads.count == 3)
    #expect(contents.end == end)
    #expect(!contents.isDamaged)
    let (memtable, damaged) = bytes.withRawBytes { SegmentMaker.memtable(of: contents, $0) }
    #expect(memtable.count == 4)
    #expect(damaged == 0)
  }

  @Test func replay_GivesTheCommittedPrefix_WhenTheFileIsCutAnywhere() throws {
    let (bytes, end) = try journal(batches, TemporaryFolder())
    let whole = try contents(bytes)
    for cut in stride(from: JournalFormat.headerSize, through: end, by: 1) {
      let part = try contents(Array(bytes[..<cut]))
      #expect(part.payloads.count == whole.payloads.count { $0.upperBound <= cut })
      #expect(part.damaged.isEmpty)
    }
  }

  @Test func replay_SkipsTheMiddle_WhenABitOfItIsFlipped() throws {
    let (bytes, end) = try journal(batches, TemporaryFolder())
    let whole = try contents(bytes)
    let used = Array(bytes[..<end])
    for offset in JournalFormat.headerSize..<end {
      var damaged = used
      damaged[offset] ^= 0x10
      let found = try contents(damaged)
      let hit = whole.payloads.firstIndex { offset < $0.upperBound } ?? 0
      var expected = whole.payloads
      expected.remove(at: hit)
      #expect(found.payloads == expected, "offset \(offset)")
      // Nothing valid behind the last record: that is a torn tail, not damage.
      #expect(found.damaged.isEmpty == (hit == whole.payloads.count - 1))
    }
  }

  @Test func replay_RefusesForeignRecords_WhenTheFileHasAnotherIdentity() throws {
    let (bytes, _) = try journal(batches, TemporaryFolder())
    let other = FileIdentity(writer: identity.writer, number: identity.number + 1)
    let found = try bytes.withRawBytes { (bytes: UnsafeRawBufferPointer) throws(NewerJournalVersion) in
      try JournalContents(bytes, identity: other)
    }
    #expect(found.payloads.isEmpty)
    #expect(found.isHeaderDamaged)
  }

  @Test func replay_RefusesByName_WhenTheFormatIsNewer() throws {
    var (bytes, _) = try journal(batches, TemporaryFolder())
    bytes[7] = 2
    var header = Array(bytes[..<28])
    header.appendLittle(CRC32C.checksum(header))
    bytes.replaceSubrange(..<32, with: header)
    #expect(throws: NewerJournalVersion(version: 2)) { try contents(bytes) }
  }

  @Test func replay_GivesOnlyTheNewRecords_WhenTheFileWasUsedBefore() throws {
    let folder = TemporaryFolder()
    let data = DataFolder(path: folder.path)
    let disk = PosixDisk()
    try disk.makeFolder(data.journal(writer: identity.writer))
    let spares = JournalSpares(folder: data.journal(writer: identity.writer), disk: disk)
    var created = testNow
    var ends: [Int] = []
    for (number, texts) in [(7, batches.flatMap { $0 }), (8, [eventJSON("new")])] {
      let identity = FileIdentity(writer: identity.writer, number: UInt64(number))
      var open = try OpenJournal(identity, folder: data, disk: disk, spares: spares)
      open.stage(try batch(texts)) {
        created += 1
        return created
      }
      try open.commit()
      open.close()
      ends.append(open.offset)
      let bytes = try disk.readWhole(open.path)
      let found = try bytes.withRawBytes { (bytes: UnsafeRawBufferPointer) throws(NewerJournalVersion) in
        try JournalContents(bytes, identity: identity)
      }
      #expect(found.end == open.offset)
      #expect(found.payloads.count == 1)
      #expect(!found.isDamaged)
      #expect(found.isReused == (number == 8))
      // Cut in the middle of the new record, old ones stand behind it: none of them may come back.
      let torn = Array(bytes[..<(JournalFormat.headerSize + 100)]) + bytes[ends[0]...]
      let rest = try torn.withRawBytes { (bytes: UnsafeRawBufferPointer) throws(NewerJournalVersion) in
        try JournalContents(bytes, identity: identity)
      }
      #expect(rest.payloads.isEmpty)
      spares.keep(open.path)
      #expect(try disk.list(data.journal(writer: identity.writer)) == ["spare-\(number - 6)"])
    }
    spares.removeAll()
    #expect(try disk.list(data.journal(writer: identity.writer)).isEmpty)
  }

  @Test func replay_KeepsTheRecords_WhenOnlyTheHeaderIsDamaged() throws {
    var (bytes, _) = try journal(batches, TemporaryFolder())
    bytes[20] ^= 1
    let found = try contents(bytes)
    #expect(found.isHeaderDamaged)
    #expect(found.payloads.count == 3)
  }
}

@Suite struct SealScheduleTests {
  private let second: Int64 = 1_000_000_000

  private func schedule(objectStoreInterval: Int64 = 100_000_000) -> SealSchedule {
    SealSchedule(limits: .init(bytes: 1000, interval: 10 * second, objectStoreInterval: objectStoreInterval))
  }

  @Test func file_IsSealed_WhenItIsFullOrOld() {
    let schedule = schedule()
    let open = SealSchedule.Open(bytes: 999, firstEventAt: 5 * second, hasWaiters: false)
    #expect(schedule.decide(open, inFlight: 0, now: 15 * second - 1) == .wait(until: 15 * second))
    #expect(schedule.decide(open, inFlight: 0, now: 15 * second) == .seal)
    #expect(
      schedule.decide(.init(bytes: 1000, firstEventAt: 5 * second, hasWaiters: false), inFlight: 3, now: 5 * second)
        == .seal)
  }

  @Test func waiters_GetTheirUploadAtOnce_WhenNothingIsInFlightAndTheIntervalIsPast() {
    var schedule = schedule()
    let open = SealSchedule.Open(bytes: 1, firstEventAt: 5 * second, hasWaiters: true)
    #expect(schedule.decide(open, inFlight: 0, now: 5 * second) == .seal)
    schedule.sealed(at: 5 * second)
    #expect(schedule.decide(open, inFlight: 0, now: 5 * second + 1) == .wait(until: 5 * second + 100_000_000))
    #expect(schedule.decide(open, inFlight: 1, now: 6 * second) == .wait(until: 15 * second))
    #expect(schedule.decide(open, inFlight: 0, now: 6 * second) == .seal)
  }

  @Test func waiters_GetUpToFourUploadsInFlight_WhenTheIntervalIsZero() {
    var schedule = schedule(objectStoreInterval: 0)
    schedule.sealed(at: 5 * second)
    let open = SealSchedule.Open(bytes: 1, firstEventAt: 5 * second, hasWaiters: true)
    #expect(schedule.decide(open, inFlight: 3, now: 5 * second) == .seal)
    #expect(schedule.decide(open, inFlight: 4, now: 5 * second) == .wait(until: 15 * second))
  }
}
