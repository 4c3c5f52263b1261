// The stored line of an event: the texts between its values, and the reader that finds the values again without
// scanning metadata. Layout in EventBatch.swift. Only this service writes lines, so the reader is strict about the
// layout: anything else is damage.

import Primitives

#if canImport(Glibc)
  import Glibc
#endif

enum Line {
  /// Room for an event id or a createdAt: both have 30 bytes.
  static let hole: StaticString = "000000000000000000000000000000"
  static let eventIdPrefix: StaticString = "{\"eventId\":\""
  static let callIdPrefix: StaticString = "\",\"callId\":"
  static let eventTypePrefix: StaticString = ",\"eventType\":\""
  static let timestampPrefix: StaticString = "\",\"timestamp\":\""
  static let createdAtPrefix: StaticString = "\",\"createdAt\":\""
  static let idempotencyKeyPrefix: StaticString = ",\"idempotencyKey\":"
  static let metadataPrefix: StaticString = ",\"metadata\":"

  /// Between JSON tokens a line end is only white space, and inside strings it cannot stand, so a space says the same.
  static func replaceLineEnds(_ bytes: UnsafeMutableRawBufferPointer) {
    guard let base = bytes.baseAddress else { return }
    for end: Int32 in [0x0A, 0x0D] {
      var rest = bytes.count
      var from = base
      while let found = memchr(from, end, rest) {
        found.storeBytes(of: 0x20, as: UInt8.self)
        from = found + 1
        rest = bytes.count - (from - base)
      }
    }
  }
}

extension [UInt8] {
  mutating func append(_ text: StaticString) {
    append(contentsOf: UnsafeBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount))
  }
}

/// A line that is not in the layout: the bytes are damaged or were never written by this service.
struct DamagedLine: Error {}

/// What reads need of one stored line; ranges are offsets in the line.
struct LineView {
  var key: EventKey
  /// Contents of the literal, with escapes where it has any (the fewest possible, so equal values are equal bytes).
  var callId: Range<Int>
  var eventType: Range<Int>
  /// Nanoseconds since 1970.
  var createdAt: Int64
  var idempotencyKey: Range<Int>?
  /// The object with its braces.
  var metadata: Range<Int>?

  /// `line` without its line feed.
  init(_ line: UnsafeRawBufferPointer) throws(DamagedLine) {
    var reader = LineReader(line)
    try reader.expect(Line.eventIdPrefix)
    let idText = try reader.take(EventID.textLength)
    guard let id = EventID(UnsafeRawBufferPointer(rebasing: line[idText])) else { throw DamagedLine() }
    try reader.expect(Line.callIdPrefix)
    callId = try reader.string()
    try reader.expect(Line.eventTypePrefix)
    eventType = try reader.untilQuote()
    try reader.expect(Line.timestampPrefix)
    let timestamp = try reader.untilQuote()
    try reader.expect(Line.createdAtPrefix)
    let created = try reader.take(RFC3339.nanosecondLength)
    try reader.expect("\"")
    if reader.skip(Line.idempotencyKeyPrefix) { idempotencyKey = try reader.string() }
    if reader.skip(Line.metadataPrefix) {
      guard reader.offset < line.count - 1 else { throw DamagedLine() }
      metadata = reader.offset..<line.count - 1
    }
    guard let instant = RFC3339.parse(UnsafeRawBufferPointer(rebasing: line[timestamp])),
      let createdAt = RFC3339.parse(UnsafeRawBufferPointer(rebasing: line[created])),
      line.last == 0x7D, metadata != nil || reader.offset == line.count - 1
    else { throw DamagedLine() }
    self.createdAt = createdAt
    key = EventKey(instant: instant, tie: id.isKeyed ? 0 : createdAt, id: id)
  }
}

private struct LineReader {
  private let line: UnsafeRawBufferPointer
  private(set) var offset = 0

  init(_ line: UnsafeRawBufferPointer) { self.line = line }

  mutating func skip(_ text: StaticString) -> Bool {
    let count = text.utf8CodeUnitCount
    guard line.count - offset >= count, let base = line.baseAddress, memcmp(base + offset, text.utf8Start, count) == 0
    else { return false }
    offset += count
    return true
  }

  mutating func expect(_ text: StaticString) throws(DamagedLine) {
    guard skip(text) else { throw DamagedLine() }
  }

  mutating func take(_ count: Int) throws(DamagedLine) -> Range<Int> {
    guard line.count - offset >= count else { throw DamagedLine() }
    defer { offset += count }
    return offset..<offset + count
  }

  /// Contents up to the next quote, which stays unread; for values that cannot have escapes.
  mutating func untilQuote() throws(DamagedLine) -> Range<Int> {
    guard let base = line.baseAddress, let quote = memchr(base + offset, 0x22, line.count - offset) else {
      throw DamagedLine()
    }
    let start = offset
    offset = quote - UnsafeMutableRawPointer(mutating: base)
    return start..<offset
  }

  /// A whole string literal; returns its contents.
  mutating func string() throws(DamagedLine) -> Range<Int> {
    guard offset < line.count, line[offset] == 0x22 else { throw DamagedLine() }
    let start = offset + 1
    var index = start
    while index < line.count {
      switch line[index] {
      case 0x22:
        offset = index + 1
        return start..<index
      case 0x5C: index += 2
      default: index += 1
      }
    }
    throw DamagedLine()
  }
}

/// Lines of a block or a journal record, without their line feeds.
struct LineSplitter {
  private let bytes: UnsafeRawBufferPointer
  private(set) var offset = 0

  init(_ bytes: UnsafeRawBufferPointer) { self.bytes = bytes }

  mutating func next() -> UnsafeRawBufferPointer? {
    guard offset < bytes.count, let base = bytes.baseAddress else { return nil }
    let end =
      memchr(base + offset, 0x0A, bytes.count - offset).map { base.distance(to: UnsafeRawPointer($0)) } ?? bytes.count
    defer { offset = end + 1 }
    return UnsafeRawBufferPointer(rebasing: bytes[offset..<end])
  }
}
