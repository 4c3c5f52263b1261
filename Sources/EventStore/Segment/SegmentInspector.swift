// What `callflow inspect` says of a segment file: its footer, sections and blocks, and whether all of it is sound.

import Primitives

package enum SegmentInspector {
  package struct NotReadable: Error, CustomStringConvertible {
    package var description: String
  }

  /// A few lines of text about the file. Throws `NotReadable` where it is not a sound segment, with what is wrong.
  package static func describe(path: String, disk: any Disk = PosixDisk()) throws -> String {
    do {
      let bytes = try disk.readWhole(path)
      return try describe(bytes)
    } catch let damage as SegmentDamage {
      throw NotReadable(description: "\(path): \(damage)")
    } catch let error as DiskError {
      throw NotReadable(description: error.description)
    }
  }

  static func describe(_ bytes: [UInt8]) throws(SegmentDamage) -> String {
    let footer = try bytes.withRawBytes { bytes throws(SegmentDamage) in try SegmentFooter(tail: bytes) }
    let index = try SegmentIndex(footer: footer, tail: bytes, tailStart: 0)
    let writer = WriterName.text(footer.identity.writer)
    let indexBytes = bytes.count - footer.dataBytes
    var text = """
      segment   writer \(writer), file \(footer.identity.number), format \(SegmentFormat.version)
      events    \(footer.events)
      bytes     \(bytes.count) (\(footer.dataBytes) data, \(indexBytes) index) of \(footer.lineBytes) as NDJSON
      first     \(RFC3339.string(footer.firstKey.instant, fractionDigits: 9)) \(footer.firstKey.id)
      last      \(RFC3339.string(footer.lastKey.instant, fractionDigits: 9)) \(footer.lastKey.id)

      """
    for place in footer.sections {
      let name = SegmentFormat.Section(rawValue: place.kind).map { "\($0)" } ?? "unknown (\(place.kind))"
      text += "section   \(name): \(place.length) bytes at \(place.offset)\n"
    }
    for (type, count) in try types(footer, bytes) { text += "type      \(type): \(count)\n" }
    try check(index, bytes)
    return text + "blocks    \(index.blockCount), all checksums, orders and counts hold\n"
  }

  private static func types(_ footer: SegmentFooter, _ bytes: [UInt8]) throws(SegmentDamage) -> [(String, UInt64)] {
    let section = try SegmentIndex.section(.types, footer, bytes, 0)
    var types: [(String, UInt64)] = []
    do {
      try section.withRawBytes { section throws(ByteReader.OutOfBounds) in
        var reader = ByteReader(section)
        while reader.remaining > 0 {
          let length = Int(truncatingIfNeeded: try reader.varint())
          let name = String(decoding: try reader.bytes(length), as: UTF8.self)
          types.append((name, try reader.varint()))
        }
      }
    } catch {
      throw .malformed("type table")
    }
    return types
  }

  /// Every block against its checksum, every line against its place, the call index against the lines.
  private static func check(_ index: SegmentIndex, _ bytes: [UInt8]) throws(SegmentDamage) {
    var previous: EventKey?
    var events = 0
    for number in 0..<index.blockCount {
      let entry = index.block(number)
      guard entry.offset >= 0, entry.offset + entry.compressedBytes <= bytes.count else {
        throw .malformed("block table")
      }
      let lines = try SegmentReader.lines(of: [UInt8](bytes[entry.range]), entry, number)
      let keys = try keys(of: lines, number)
      guard keys.first == entry.firstKey, keys.count == entry.lines else { throw .malformed("block \(number)") }
      for key in keys {
        if let previous, previous >= key { throw .malformed("order in block \(number)") }
        guard index.mayContain(callHash: key.id.callHash) else { throw .malformed("call filter") }
        previous = key
      }
      events += keys.count
    }
    guard events == index.footer.events, previous == index.footer.lastKey else { throw .malformed("footer") }
  }

  private static func keys(of lines: [UInt8], _ block: Int) throws(SegmentDamage) -> [EventKey] {
    do {
      return try lines.withRawBytes { bytes throws(DamagedLine) in
        var splitter = LineSplitter(bytes)
        var keys: [EventKey] = []
        while let line = splitter.next() { keys.append(try LineView(line).key) }
        return keys
      }
    } catch {
      throw .malformed("line in block \(block)")
    }
  }
}
