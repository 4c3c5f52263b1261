// Makes a segment's bytes from lines in the order of their keys. Memory: the compressed segment, one open block, and 8
// bytes for each pair of call and block.

import Primitives

struct SegmentBuilder {
  private let identity: FileIdentity
  private let compressor: ZstdCompressor
  private var output: [UInt8] = []
  private var block: [UInt8] = []
  private var blockFirst: EventKey?
  private var blockLines: UInt32 = 0
  private var blocks: [UInt8] = []
  private var blockCount: UInt32 = 0
  private var postings: [Posting] = []
  private var lastHashes: Set<UInt32> = []
  private var types: [[UInt8]: Int] = [:]
  private var firstKey: EventKey?
  private var lastKey: EventKey?
  private var events = 0
  private var lineBytes = 0

  private struct Posting {
    var callHash: UInt32
    var block: UInt32
  }

  init(identity: FileIdentity) throws(ZstdError) {
    self.identity = identity
    compressor = try ZstdCompressor()
    block.reserveCapacity(SegmentFormat.blockBytes + 4096)
  }

  /// The next line, without its line feed. `key` must be above the one before.
  mutating func append(_ line: UnsafeRawBufferPointer, key: EventKey, eventType: UnsafeRawBufferPointer)
    throws(ZstdError)
  {
    if let lastKey { precondition(lastKey < key, "lines come in the order of their keys") }
    if blockFirst == nil { blockFirst = key }
    if firstKey == nil { firstKey = key }
    lastKey = key
    block.append(contentsOf: line)
    block.append(0x0A)
    blockLines += 1
    events += 1
    lineBytes += line.count + 1
    if lastHashes.insert(key.id.callHash).inserted {
      postings.append(Posting(callHash: key.id.callHash, block: blockCount))
    }
    types[[UInt8](eventType), default: 0] += 1
    if block.count >= SegmentFormat.blockBytes { try closeBlock() }
  }

  private mutating func closeBlock() throws(ZstdError) {
    guard let first = blockFirst else { return }
    let offset = output.count
    let compressed: Int
    do {
      compressed = try block.withRawBytes { block throws(ZstdError) in try compressor.append(block, to: &output) }
    }
    blocks.appendLittle(UInt64(offset))
    blocks.appendLittle(UInt32(compressed))
    blocks.appendLittle(UInt32(block.count))
    blocks.appendLittle(blockLines)
    blocks.appendLittle(output.withUnsafeBytes { CRC32C.checksum(UnsafeRawBufferPointer(rebasing: $0[offset...])) })
    blocks.append(key: first)
    block.removeAll(keepingCapacity: true)
    lastHashes.removeAll(keepingCapacity: true)
    blockFirst = nil
    blockLines = 0
    blockCount += 1
  }

  /// The whole segment; nil where no line was given.
  consuming func finish() throws(ZstdError) -> (bytes: [UInt8], footer: SegmentFooter)? {
    try closeBlock()
    guard let firstKey, let lastKey else { return nil }
    let dataBytes = output.count
    postings.sort { ($0.callHash, $0.block) < ($1.callHash, $1.block) }
    let calls = Self.callIndex(postings)
    var sections: [SegmentFooter.SectionPlace] = []
    for (kind, bytes) in [
      (SegmentFormat.Section.blocks, blocks), (.filter, CallFilter.make(calls.hashes)), (.calls, calls.directory),
      (.pages, calls.pages), (.types, Self.typeTable(types)),
    ] {
      output.appendLittle(SegmentFormat.sectionFrameMagic)
      output.appendLittle(UInt32(bytes.count))
      sections.append(
        .init(kind: kind.rawValue, crc: CRC32C.checksum(bytes), offset: output.count, length: bytes.count))
      output.append(contentsOf: bytes)
    }
    let footer = SegmentFooter(
      identity: identity, events: events, lineBytes: lineBytes, dataBytes: dataBytes, firstKey: firstKey,
      lastKey: lastKey, sections: sections)
    output.append(contentsOf: footer.frame())
    return (output, footer)
  }

  private static func typeTable(_ types: [[UInt8]: Int]) -> [UInt8] {
    var bytes: [UInt8] = []
    let ordered = types.sorted { left, right in
      left.value != right.value ? left.value > right.value : left.key.lexicographicallyPrecedes(right.key)
    }
    for (type, count) in ordered {
      bytes.appendVarint(UInt64(type.count))
      bytes.append(contentsOf: type)
      bytes.appendVarint(UInt64(count))
    }
    return bytes
  }

  /// Sections 3 and 4, and the distinct hashes.
  private static func callIndex(_ postings: [Posting]) -> (directory: [UInt8], pages: [UInt8], hashes: [UInt32]) {
    var directory: [UInt8] = []
    var pages: [UInt8] = []
    var hashes: [UInt32] = []
    var page: [UInt8] = []
    var pageFirst: UInt32 = 0
    var previous: UInt32 = 0

    func closePage() {
      guard !page.isEmpty else { return }
      directory.appendLittle(pageFirst)
      directory.appendLittle(UInt32(pages.count))
      directory.appendLittle(UInt32(page.count))
      directory.appendLittle(CRC32C.checksum(page))
      pages.append(contentsOf: page)
      page.removeAll(keepingCapacity: true)
    }

    var index = 0
    while index < postings.count {
      let hash = postings[index].callHash
      var end = index
      while end < postings.count, postings[end].callHash == hash { end += 1 }
      hashes.append(hash)
      var entry: [UInt8] = []
      entry.appendVarint(UInt64(end - index))
      var block: UInt32 = 0
      for posting in postings[index..<end] {
        entry.appendVarint(UInt64(posting.block - block))
        block = posting.block
      }
      // 5 bytes: the longest varint of a difference. A call in very many blocks gets a page of its own above the bound.
      if page.count + entry.count + 5 > SegmentFormat.pageBytes { closePage() }
      if page.isEmpty {
        pageFirst = hash
        previous = hash
      }
      page.appendVarint(UInt64(hash - previous))
      page.append(contentsOf: entry)
      previous = hash
      index = end
    }
    closePage()
    return (directory, pages, hashes)
  }
}
