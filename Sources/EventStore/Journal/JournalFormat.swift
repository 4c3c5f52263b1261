// The journal file: what fdatasync makes durable before an event is acknowledged.
//
//   offset  bytes
//   0       8   magic "CFJRNL\0" and the format version, 1
//   8       8   writer (40 bits), little-endian like all integers here
//   16      8   file number (40 bits)
//   24      4   flags: bit 0 = the file was one before (JournalSpares.swift): what follows the last record is old
//   28      4   CRC32C of bytes 0 to 27
//   32      records, one behind the other, then zeros (room allocated ahead), old bytes or the end of the file
//
// Record:
//   0       4   length of the payload in bytes; 0 = no record here, the end
//   4       1   kind: 1 = lines (EventBatch.swift), each with its line feed
//   5       3   reserved, 0
//   8       4   CRC32C of writer, file number, the record's offset (8 bytes each), bytes 0 to 7 of the record, and the
//               payload
//   12          payload
//
// The CRC covers writer, number and offset, so bytes of an older file in the same disk blocks can never pass for a
// record. An atomic batch is one record. A file is written once, in order, and never again after an error; a newer
// version is refused by name.

import Primitives

enum JournalFormat {
  static let version: UInt8 = 1
  static let magic: [UInt8] = Array("CFJRNL".utf8) + [0, version]
  static let headerSize = 32
  static let recordHeaderSize = 12
  /// A request body is at most `http.limits.expanded_bytes`; a record never comes near this.
  static let maxPayloadSize = 1 << 30

  static func header(writer: UInt64, number: UInt64, isReused: Bool = false) -> [UInt8] {
    var bytes = magic
    bytes.appendLittle(writer)
    bytes.appendLittle(number)
    bytes.appendLittle(UInt32(isReused ? 1 : 0))
    bytes.appendLittle(CRC32C.checksum(bytes))
    assert(bytes.count == headerSize)
    return bytes
  }

  /// CRC of everything that ties a record to its place; the seed of the payload's.
  static func seed(writer: UInt64, number: UInt64, offset: Int, length: UInt32) -> UInt32 {
    withUnsafeTemporaryAllocation(byteCount: 32, alignment: 8) { place in
      place.storeBytes(of: writer.littleEndian, toByteOffset: 0, as: UInt64.self)
      place.storeBytes(of: number.littleEndian, toByteOffset: 8, as: UInt64.self)
      place.storeBytes(of: UInt64(offset).littleEndian, toByteOffset: 16, as: UInt64.self)
      place.storeBytes(of: length.littleEndian, toByteOffset: 24, as: UInt32.self)
      place.storeBytes(of: UInt32(1).littleEndian, toByteOffset: 28, as: UInt32.self)
      return CRC32C.checksum(UnsafeRawBufferPointer(place))
    }
  }

  /// Fills the header in front of a payload that stands at `record + recordHeaderSize` already.
  static func seal(record: UnsafeMutableRawBufferPointer, writer: UInt64, number: UInt64, offset: Int) {
    let payload = UnsafeRawBufferPointer(rebasing: record[recordHeaderSize...])
    let length = UInt32(payload.count)
    record.storeBytes(of: length.littleEndian, toByteOffset: 0, as: UInt32.self)
    record.storeBytes(of: UInt32(1).littleEndian, toByteOffset: 4, as: UInt32.self)
    let crc = CRC32C.checksum(payload, seed: seed(writer: writer, number: number, offset: offset, length: length))
    record.storeBytes(of: crc.littleEndian, toByteOffset: 8, as: UInt32.self)
  }
}

/// What is in one journal file, found again after a crash.
struct JournalContents {
  let identity: FileIdentity
  /// Byte ranges of the payloads in the file, in order.
  private(set) var payloads: [Range<Int>] = []
  /// Bytes between good records that are no record: damage, not a torn tail.
  private(set) var damaged: [Range<Int>] = []
  /// The header does not have its checksum: its writing was torn, or it is damaged.
  private(set) var isHeaderDamaged = false
  /// What follows the last good record may be of an older file.
  private(set) var isReused = false
  /// End of the last good record.
  private(set) var end = JournalFormat.headerSize

  var isDamaged: Bool { isHeaderDamaged || !damaged.isEmpty }
}

/// Written by a newer release.
struct NewerJournalVersion: Error, Equatable {
  var version: UInt8
}

extension JournalContents {
  /// `identity`: from the file's name, so that a damaged header does not lose the records behind it.
  ///
  /// A bad record after which no valid one follows is a torn tail and ends the file; else the middle is damaged and
  /// reported, and the rest is read.
  init(_ bytes: UnsafeRawBufferPointer, identity: FileIdentity) throws(NewerJournalVersion) {
    self.identity = identity
    if bytes.count >= JournalFormat.headerSize, Self.isIntact(header: bytes), bytes[7] > JournalFormat.version {
      throw NewerJournalVersion(version: bytes[7])
    }
    let headers = [false, true].map {
      JournalFormat.header(writer: identity.writer, number: identity.number, isReused: $0)
    }
    let header = bytes.prefix(JournalFormat.headerSize)
    isReused = header.elementsEqual(headers[1])
    isHeaderDamaged = !isReused && !header.elementsEqual(headers[0])
    var offset = end
    while let found = Self.firstRecord(bytes, from: offset, identity) {
      let start = found.lowerBound - JournalFormat.recordHeaderSize
      if start > offset { damaged.append(offset..<start) }
      payloads.append(found)
      offset = found.upperBound
    }
    end = offset
  }

  private static func isIntact(header: UnsafeRawBufferPointer) -> Bool {
    header.prefix(7).elementsEqual(JournalFormat.magic.dropLast())
      && CRC32C.checksum(UnsafeRawBufferPointer(rebasing: header[..<28]))
        == UInt32(littleEndian: header.loadUnaligned(fromByteOffset: 28, as: UInt32.self))
  }

  /// The payload of the first valid record at or behind `start`.
  private static func firstRecord(
    _ bytes: UnsafeRawBufferPointer, from start: Int, _ identity: FileIdentity
  ) -> Range<Int>? {
    var offset = start
    while offset + JournalFormat.recordHeaderSize < bytes.count {
      if let payload = record(bytes, at: offset, identity) { return payload }
      offset += 1
    }
    return nil
  }

  private static func record(_ bytes: UnsafeRawBufferPointer, at offset: Int, _ identity: FileIdentity) -> Range<Int>? {
    let length = UInt32(littleEndian: bytes.loadUnaligned(fromByteOffset: offset, as: UInt32.self))
    let start = offset + JournalFormat.recordHeaderSize
    guard length > 0, length <= JournalFormat.maxPayloadSize, Int(length) <= bytes.count - start,
      bytes.loadUnaligned(fromByteOffset: offset + 4, as: UInt32.self) == UInt32(1).littleEndian
    else { return nil }
    let payload = start..<start + Int(length)
    let crc = CRC32C.checksum(
      UnsafeRawBufferPointer(rebasing: bytes[payload]),
      seed: JournalFormat.seed(
        writer: identity.writer, number: identity.number, offset: offset, length: length))
    guard UInt32(littleEndian: bytes.loadUnaligned(fromByteOffset: offset + 8, as: UInt32.self)) == crc else {
      return nil
    }
    return payload
  }
}
