import Primitives
import TestSupport
import Testing

@testable import EventStore

@Suite struct SegmentTests {
  private let identity = FileIdentity(writer: 1, number: 1)

  /// A segment of `calls` calls with five events each, and its keys.
  private func segment(calls: Int, padding: Int = 300) throws -> (
    bytes: [UInt8], footer: SegmentFooter, memtable: Memtable
  ) {
    let random = SeededRandom(3)
    var texts: [String] = []
    for call in 0..<calls {
      for step in 0..<5 {
        let at = Double(random.next(below: 3600)) + Double(step)
        texts.append(
          eventJSON(
            "call-\(call)", ["initiated", "ringing", "answered", "hold", "ended"][step], at: -at,
            metadata: "{\"pad\":\"\(String(repeating: "p", count: padding))\"}"))
      }
    }
    let memtable = try memtable(texts)
    let made = try #require(try SegmentMaker.segment(of: memtable.snapshot))
    return (made.bytes, made.footer, memtable)
  }

  private func memtable(_ texts: [String]) throws -> Memtable {
    let folder = TemporaryFolder()
    let data = DataFolder(path: folder.path)
    try PosixDisk().makeFolder(data.journal(writer: identity.writer))
    var open = try OpenJournal(identity, folder: data, disk: PosixDisk())
    var created = testNow
    open.stage(try batch(texts)) {
      created += 1
      return created
    }
    try open.commit()
    return open.memtable
  }

  @Test func segment_HoldsEveryLineInOrder_WhenItIsReadBack() throws {
    let (bytes, footer, _) = try segment(calls: 400)
    #expect(footer.events == 2000)
    let text = try SegmentInspector.describe(bytes)
    #expect(text.contains("events    2000"))
    #expect(text.contains("type      answered: 400"))
    #expect(text.contains("all checksums, orders and counts hold"))
  }

  @Test func index_FindsTheBlocksOfACall_AndNoOthers() throws {
    let (bytes, footer, memtable) = try segment(calls: 400)
    let index = try SegmentIndex(footer: footer, tail: bytes, tailStart: 0)
    #expect(index.blockCount > 5)
    let pages = try #require(index.pages)
    var lines: [UInt32: Set<Int>] = [:]
    for number in 0..<index.blockCount {
      let entry = index.block(number)
      let block = try SegmentReader.lines(of: Array(bytes[entry.range]), entry, number)
      block.withRawBytes { bytes in
        var splitter = LineSplitter(bytes)
        while let line = splitter.next(), let view = try? LineView(line) {
          lines[view.key.id.callHash, default: []].insert(number)
        }
      }
    }
    #expect(lines.count == 400)
    for (hash, numbers) in lines {
      let entry = try #require(index.page(callHash: hash))
      let page = Array(pages[entry.offset..<entry.offset + entry.length])
      let found = try page.withRawBytes { (page: UnsafeRawBufferPointer) throws(SegmentDamage) in
        try index.blocks(callHash: hash, page: page, entry: entry)
      }
      #expect(Set(found) == numbers)
      #expect(index.mayContain(callHash: hash))
    }
    let random = SeededRandom(9)
    let strangers = (0..<10_000).map { _ in UInt32(truncatingIfNeeded: random.next()) }.filter { lines[$0] == nil }
    let falsePositives = strangers.count { index.mayContain(callHash: $0) }
    #expect(falsePositives < strangers.count / 50, "about 1 % is what 10 bits a call give")
    #expect(memtable.count == 2000)
  }

  @Test func anyFlippedByte_IsFound_WhereverItIs() throws {
    let (bytes, _, _) = try segment(calls: 4, padding: 20)
    _ = try SegmentInspector.describe(bytes)
    for offset in bytes.indices {
      var damaged = bytes
      damaged[offset] ^= 0x04
      // Frame headers of skippable frames and reserved bytes of tables are the only bytes that no read depends on.
      if (try? SegmentInspector.describe(damaged)) != nil { #expect(isUncovered(offset, bytes), "offset \(offset)") }
    }
  }

  private func isUncovered(_ offset: Int, _ bytes: [UInt8]) -> Bool {
    guard let footer = try? bytes.withRawBytes({ bytes throws(SegmentDamage) in try SegmentFooter(tail: bytes) }) else {
      return false
    }
    let headers =
      footer.sections.map { $0.offset - 8..<$0.offset } + [
        bytes.count - 408..<bytes.count - 400, bytes.count - 4..<bytes.count,
      ]
    return headers.contains { $0.contains(offset) }
  }

  @Test func reader_RefusesByName_WhenTheFormatIsNewer() throws {
    var (bytes, _, _) = try segment(calls: 1)
    bytes[bytes.count - 400 + 7] = 9
    #expect(throws: SegmentDamage.newerVersion(9)) { try SegmentInspector.describe(bytes) }
  }

  @Test func equalIds_AreStoredOnce_WithTheSmallestCreatedAt() throws {
    let folder = TemporaryFolder()
    let data = DataFolder(path: folder.path)
    try PosixDisk().makeFolder(data.journal(writer: identity.writer))
    var open = try OpenJournal(identity, folder: data, disk: PosixDisk())
    var created = testNow
    for _ in 0..<3 {
      open.stage(try batch([eventJSON("c", key: "k")], salt: [1])) {
        created += 1
        return created
      }
      try open.commit()
    }
    let made = try #require(try SegmentMaker.segment(of: open.memtable.snapshot))
    #expect(made.footer.events == 1)
    let entry = try SegmentIndex(footer: made.footer, tail: made.bytes, tailStart: 0).block(0)
    let lines = try SegmentReader.lines(of: Array(made.bytes[entry.range]), entry, 0)
    #expect(String(decoding: lines, as: UTF8.self).contains(RFC3339.string(testNow + 1, fractionDigits: 9)))
  }

  @Test func segmentName_SaysWhatItSaid_WhenItIsParsed() {
    let name = SegmentName(
      ulid: ULID(milliseconds: 1_795_243_500_000, writer: 0xFF_FFFF_FFFF, number: 12), minInstant: 1_000_001,
      maxInstant: 1_000_001, count: 5)
    #expect(name.minMilliseconds == 1)
    #expect(name.maxMilliseconds == 2)
    #expect(SegmentName(name.text) == name)
    for bad in [
      "x", "\(name.text)x", name.text.replacing("-5.", with: "-0."), name.text.replacing("-1-2-", with: "-2-1-"),
    ] {
      #expect(SegmentName(bad) == nil, "\(bad)")
    }
  }
}
