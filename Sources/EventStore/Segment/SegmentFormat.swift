// The segment: events at rest, in the spool and in the bucket, the same bytes in both. A standard zstd file: any zstd
// tool reads the events as NDJSON and skips the index.
//
//   data frames      each a zstd frame (with content size and checksum) of whole lines, about 64 KiB before
//                    compression. Lines are sorted by (instant, tie, eventId), each with a line feed.
//   section frames   skippable frames 0x184D2A5C, one a section:  u32 magic | u32 length | section bytes
//   footer frame     the last 408 bytes: skippable frame 0x184D2A5D, u32 magic | u32 length = 400 | footer
//
// Footer (400 bytes; integers little-endian; keys are i64 instant, i64 tie, u64 id high, u64 id low):
//   0     8   "CFSEGMT" and the format version, 1
//   8     8   writer        16    8   file number
//   24    8   events        32    8   bytes of the lines
//   40    8   bytes of all data frames      48    8   reserved, 0
//   56   32   first key     88   32   last key
//   120 264   section table: 11 x (u32 kind, u32 CRC32C, u64 offset of the section's bytes in the file, u64 length);
//             kind 0 = unused
//   384   8   reserved, 0
//   392   4   CRC32C of footer bytes 0 to 391
//   396   4   the footer frame's length, 408: a reader that has only the end of a file can check where the footer
//             starts
//
// Sections (an unknown kind is skipped, so an older reader of the same version reads a file that has more):
//   1 blocks   a data frame each, 56 bytes: u64 offset | u32 compressed bytes | u32 bytes of lines | u32 lines | u32
//              CRC32C of the frame | first key
//   2 filter   u32 hashes a call, u32 reserved, then bits: Bloom filter over the callIds' 32-bit hashes, about 10 bits
//              a call. Bit number i of hash h is (fmix32(h) + i * (fmix32(h ^ 0x9E3779B9) | 1)) mod 2^32, scaled to the
//              bits by multiply-shift
//   3 calls    directory, 16 bytes a page: u32 first hash | u32 offset in section 4 | u32 length | u32 CRC32C of the
//              page
//   4 pages    at most 16 KiB each, sorted by hash: varint difference to the previous hash (the first: to the
//              directory's), varint number of blocks, then each block's number as a varint (the first absolute, then
//              differences)
//   5 types    eventTypes with their counts, most frequent first: varint length | bytes | varint count
//
// A CRC covers every byte: frames and pages have theirs in the tables, sections in the footer, the footer its own. A
// reader refuses a newer version by name.

import Primitives

enum SegmentFormat {
  static let version: UInt8 = 1
  static let magic: [UInt8] = Array("CFSEGMT".utf8) + [version]
  static let sectionFrameMagic: UInt32 = 0x184D_2A5C
  static let footerFrameMagic: UInt32 = 0x184D_2A5D
  static let frameHeaderSize = 8
  static let footerSize = 400
  static let footerFrameSize = frameHeaderSize + footerSize
  static let sectionSlots = 11
  static let blockEntrySize = 56
  static let directoryEntrySize = 16
  /// Lines of a block are closed when they reach this many bytes.
  static let blockBytes = 64 << 10
  /// A block is at most one line above `blockBytes`; no event comes near this.
  static let maxBlockBytes = 256 << 20
  static let pageBytes = 16 << 10
  static let filterBitsPerCall = 10
  static let filterHashes: UInt32 = 7

  enum Section: UInt32, CaseIterable {
    case blocks = 1
    case filter = 2
    case calls = 3
    case pages = 4
    case types = 5
  }
}

/// Why bytes are not a segment that can be read.
enum SegmentDamage: Error, Equatable, CustomStringConvertible {
  case notASegment
  case newerVersion(UInt8)
  case checksum(String)
  case malformed(String)

  var description: String {
    switch self {
    case .notASegment: "not a Callflow segment"
    case .newerVersion(let version):
      "segment format \(version) is newer than this release reads (\(SegmentFormat.version)); upgrade this node"
    case .checksum(let part): "checksum of \(part) does not match: the file is damaged"
    case .malformed(let part): "\(part) is malformed: the file is damaged"
    }
  }
}

/// The footer's contents.
struct SegmentFooter: Sendable, Equatable {
  struct SectionPlace: Sendable, Equatable {
    var kind: UInt32
    var crc: UInt32
    var offset: Int
    var length: Int
  }

  var identity: FileIdentity
  var events: Int
  var lineBytes: Int
  var dataBytes: Int
  var firstKey: EventKey
  var lastKey: EventKey
  var sections: [SectionPlace]

  func place(of section: SegmentFormat.Section) -> SectionPlace? { sections.first { $0.kind == section.rawValue } }

  /// The footer with its frame header.
  func frame() -> [UInt8] {
    precondition(sections.count <= SegmentFormat.sectionSlots)
    var bytes: [UInt8] = []
    bytes.append(contentsOf: SegmentFormat.magic)
    for value in [identity.writer, identity.number, UInt64(events), UInt64(lineBytes), UInt64(dataBytes), 0] {
      bytes.appendLittle(value)
    }
    bytes.append(key: firstKey)
    bytes.append(key: lastKey)
    for slot in 0..<SegmentFormat.sectionSlots {
      let place = slot < sections.count ? sections[slot] : SectionPlace(kind: 0, crc: 0, offset: 0, length: 0)
      bytes.appendLittle(place.kind)
      bytes.appendLittle(place.crc)
      bytes.appendLittle(UInt64(place.offset))
      bytes.appendLittle(UInt64(place.length))
    }
    bytes.appendLittle(UInt64(0))
    bytes.appendLittle(CRC32C.checksum(bytes))
    bytes.appendLittle(UInt32(SegmentFormat.footerFrameSize))
    precondition(bytes.count == SegmentFormat.footerSize)

    var frame: [UInt8] = []
    frame.appendLittle(SegmentFormat.footerFrameMagic)
    frame.appendLittle(UInt32(SegmentFormat.footerSize))
    return frame + bytes
  }

  /// From the last bytes of a segment.
  init(tail: UnsafeRawBufferPointer) throws(SegmentDamage) {
    guard tail.count >= SegmentFormat.footerFrameSize else { throw .notASegment }
    let footer = UnsafeRawBufferPointer(rebasing: tail[(tail.count - SegmentFormat.footerSize)...])
    guard footer.prefix(7).elementsEqual(SegmentFormat.magic.dropLast()) else { throw .notASegment }
    guard footer[7] <= SegmentFormat.version else { throw .newerVersion(footer[7]) }
    let crc = UInt32(littleEndian: footer.loadUnaligned(fromByteOffset: 392, as: UInt32.self))
    guard CRC32C.checksum(UnsafeRawBufferPointer(rebasing: footer[..<392])) == crc else { throw .checksum("footer") }
    do {
      try self.init(checked: footer)
    } catch {
      throw .malformed("footer")
    }
  }

  private init(checked footer: UnsafeRawBufferPointer) throws(ByteReader.OutOfBounds) {
    var reader = ByteReader(footer, at: 8)
    identity = FileIdentity(writer: try reader.little(), number: try reader.little())
    events = Int(truncatingIfNeeded: try reader.little(UInt64.self))
    lineBytes = Int(truncatingIfNeeded: try reader.little(UInt64.self))
    dataBytes = Int(truncatingIfNeeded: try reader.little(UInt64.self))
    _ = try reader.little(UInt64.self)
    firstKey = try reader.key()
    lastKey = try reader.key()
    sections = []
    for _ in 0..<SegmentFormat.sectionSlots {
      let place = SectionPlace(
        kind: try reader.little(), crc: try reader.little(),
        offset: Int(truncatingIfNeeded: try reader.little(UInt64.self)),
        length: Int(truncatingIfNeeded: try reader.little(UInt64.self)))
      if place.kind != 0 { sections.append(place) }
    }
    // Bounds that keep every sum below in 64 bits, whatever the bytes say.
    let sizes = 0..<(1 << 50)
    guard events > 0, sizes.contains(events), sizes.contains(lineBytes), dataBytes > 0, sizes.contains(dataBytes),
      firstKey <= lastKey, sections.allSatisfy({ sizes.contains($0.offset) && sizes.contains($0.length) })
    else { throw ByteReader.OutOfBounds() }
  }

  init(
    identity: FileIdentity, events: Int, lineBytes: Int, dataBytes: Int, firstKey: EventKey, lastKey: EventKey,
    sections: [SectionPlace]
  ) {
    self.identity = identity
    self.events = events
    self.lineBytes = lineBytes
    self.dataBytes = dataBytes
    self.firstKey = firstKey
    self.lastKey = lastKey
    self.sections = sections
  }
}

extension [UInt8] {
  /// 32 bytes.
  mutating func append(key: EventKey) {
    appendLittle(key.instant)
    appendLittle(key.tie)
    appendLittle(key.id.high)
    appendLittle(key.id.low)
  }
}

extension ByteReader {
  mutating func key() throws(OutOfBounds) -> EventKey {
    let instant: Int64 = try little()
    let tie: Int64 = try little()
    let high: UInt64 = try little()
    let low: UInt64 = try little()
    return EventKey(instant: instant, tie: tie, id: EventID(high: high, low: low))
  }
}
