// A segment's index in memory: section bytes as they are in the file, read in place.

import Primitives

/// One row of section 1.
struct BlockEntry: Sendable, Equatable {
  var offset: Int
  var compressedBytes: Int
  var rawBytes: Int
  var lines: Int
  var crc: UInt32
  var firstKey: EventKey

  var range: Range<Int> { offset..<offset + compressedBytes }
}

/// One row of section 3.
struct PageEntry: Sendable, Equatable {
  /// Offset in section 4.
  var offset: Int
  var length: Int
  var crc: UInt32
}

/// Everything but section 4, whose pages are read one by one where they are not at hand.
final class SegmentIndex: Sendable {
  let footer: SegmentFooter
  let blocks: [UInt8]
  private let filter: [UInt8]
  private let directory: [UInt8]
  /// Section 4 where it came with the end of the file.
  let pages: [UInt8]?

  var blockCount: Int { blocks.count / SegmentFormat.blockEntrySize }
  /// Bytes of memory, for the cache.
  var cost: Int { blocks.count + filter.count + directory.count + (pages?.count ?? 0) + 512 }

  /// `tail`: the file's last bytes, from `tailStart`; must hold sections 1 to 3.
  init(footer: SegmentFooter, tail: [UInt8], tailStart: Int) throws(SegmentDamage) {
    self.footer = footer
    blocks = try Self.section(.blocks, footer, tail, tailStart)
    filter = try Self.section(.filter, footer, tail, tailStart)
    directory = try Self.section(.calls, footer, tail, tailStart)
    let hasPages = footer.place(of: .pages).map { $0.offset >= tailStart } ?? false
    pages = hasPages ? try Self.section(.pages, footer, tail, tailStart) : nil
    guard blocks.count % SegmentFormat.blockEntrySize == 0, !blocks.isEmpty else { throw .malformed("block table") }
    guard directory.count % SegmentFormat.directoryEntrySize == 0 else { throw .malformed("call directory") }
    var end = 0
    for number in 0..<blockCount {
      let entry = block(number)
      guard entry.offset == end, entry.compressedBytes > 0, entry.rawBytes <= SegmentFormat.maxBlockBytes else {
        throw .malformed("block table")
      }
      end += entry.compressedBytes
    }
    guard end == footer.dataBytes else { throw .malformed("block table") }
  }

  /// Where the end that `init` needs starts: sections are in the order of their offsets, pages last but one.
  static func neededStart(_ footer: SegmentFooter) -> Int {
    [.blocks, .filter, .calls].compactMap { footer.place(of: $0)?.offset }.min() ?? 0
  }

  static func section(
    _ section: SegmentFormat.Section, _ footer: SegmentFooter, _ tail: [UInt8], _ tailStart: Int
  ) throws(SegmentDamage) -> [UInt8] {
    guard let place = footer.place(of: section), place.offset >= tailStart,
      place.offset - tailStart <= tail.count, place.length <= tail.count - (place.offset - tailStart)
    else { throw .malformed("\(section) section") }
    let start = place.offset - tailStart
    let bytes = [UInt8](tail[start..<start + place.length])
    guard CRC32C.checksum(bytes) == place.crc else { throw .checksum("\(section) section") }
    return bytes
  }

  func block(_ number: Int) -> BlockEntry {
    blocks.withUnsafeBytes { bytes in
      let at = number * SegmentFormat.blockEntrySize
      func word<Value: FixedWidthInteger>(_ offset: Int, _: Value.Type) -> Value {
        Value(littleEndian: bytes.loadUnaligned(fromByteOffset: at + offset, as: Value.self))
      }
      let id = EventID(high: word(40, UInt64.self), low: word(48, UInt64.self))
      return BlockEntry(
        offset: Int(truncatingIfNeeded: word(0, UInt64.self)), compressedBytes: Int(word(8, UInt32.self)),
        rawBytes: Int(word(12, UInt32.self)), lines: Int(word(16, UInt32.self)), crc: word(20, UInt32.self),
        firstKey: EventKey(instant: word(24, Int64.self), tie: word(32, Int64.self), id: id))
    }
  }

  /// Upper bound of the block's keys.
  func lastKeyBound(_ number: Int) -> EventKey {
    number + 1 < blockCount ? block(number + 1).firstKey : footer.lastKey
  }

  /// The last block whose first key is not above `key`; 0 where all are.
  func blockNumber(reaching key: EventKey) -> Int {
    var low = 0
    var high = blockCount
    while high - low > 1 {
      let middle = (low + high) / 2
      if block(middle).firstKey <= key { low = middle } else { high = middle }
    }
    return low
  }

  func mayContain(callHash: UInt32) -> Bool { filter.withUnsafeBytes { CallFilter.mayContain(callHash, $0) } }

  /// The page that would hold that hash; nil where it is below the first.
  func page(callHash: UInt32) -> PageEntry? {
    directory.withUnsafeBytes { bytes in
      func word(_ page: Int, _ offset: Int) -> UInt32 {
        let at = page * SegmentFormat.directoryEntrySize + offset
        return UInt32(littleEndian: bytes.loadUnaligned(fromByteOffset: at, as: UInt32.self))
      }
      var low = 0
      var high = bytes.count / SegmentFormat.directoryEntrySize
      guard high > 0, word(0, 0) <= callHash else { return nil }
      while high - low > 1 {
        let middle = (low + high) / 2
        if word(middle, 0) <= callHash { low = middle } else { high = middle }
      }
      return PageEntry(offset: Int(word(low, 4)), length: Int(word(low, 8)), crc: word(low, 12))
    }
  }

  /// First hash of the page, the base of its differences.
  func firstHash(ofPageAt offset: Int) -> UInt32? {
    directory.withUnsafeBytes { bytes in
      for at in stride(from: 0, to: bytes.count, by: SegmentFormat.directoryEntrySize)
      where UInt32(littleEndian: bytes.loadUnaligned(fromByteOffset: at + 4, as: UInt32.self)) == UInt32(offset) {
        return UInt32(littleEndian: bytes.loadUnaligned(fromByteOffset: at, as: UInt32.self))
      }
      return nil
    }
  }

  /// The blocks that hold lines of that hash, ascending.
  func blocks(callHash: UInt32, page: UnsafeRawBufferPointer, entry: PageEntry) throws(SegmentDamage) -> [Int] {
    guard page.count == entry.length, CRC32C.checksum(page) == entry.crc else { throw .checksum("call page") }
    guard var hash = firstHash(ofPageAt: entry.offset) else { throw .malformed("call directory") }
    var reader = ByteReader(page)
    do {
      while reader.remaining > 0 {
        hash &+= UInt32(truncatingIfNeeded: try reader.varint())
        let count = try reader.varint()
        guard count <= UInt64(blockCount) else { throw SegmentDamage.malformed("call page") }
        var numbers: [Int] = []
        var number = 0
        for _ in 0..<count {
          number += Int(truncatingIfNeeded: try reader.varint() & 0xFFFF_FFFF)
          if hash == callHash { numbers.append(number) }
        }
        guard number < blockCount else { throw SegmentDamage.malformed("call page") }
        if hash == callHash { return numbers }
        if hash > callHash { return [] }
      }
      return []
    } catch let damage as SegmentDamage {
      throw damage
    } catch {
      throw .malformed("call page")
    }
  }
}
