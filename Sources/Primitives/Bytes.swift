// Little-endian integers and LEB128 varints in byte arrays: what every file format here is made of.

extension [UInt8] {
  package mutating func appendLittle<Value: FixedWidthInteger>(_ value: Value) {
    Swift.withUnsafeBytes(of: value.littleEndian) { append(contentsOf: $0) }
  }

  /// Unsigned LEB128: 7 bits a byte, least significant first, the top bit set on all but the last.
  package mutating func appendVarint(_ value: UInt64) {
    var rest = value
    while rest >= 0x80 {
      append(UInt8(truncatingIfNeeded: rest) | 0x80)
      rest >>= 7
    }
    append(UInt8(rest))
  }
}

/// Reads what the writers above wrote. Every read checks its bounds: input may be damaged.
package struct ByteReader {
  package struct OutOfBounds: Error {
    package init() {}
  }

  private let bytes: UnsafeRawBufferPointer
  package private(set) var offset: Int

  package init(_ bytes: UnsafeRawBufferPointer, at offset: Int = 0) {
    self.bytes = bytes
    self.offset = offset
  }

  package var remaining: Int { bytes.count - offset }

  package mutating func little<Value: FixedWidthInteger>(_: Value.Type = Value.self) throws(OutOfBounds) -> Value {
    let size = MemoryLayout<Value>.size
    guard remaining >= size else { throw OutOfBounds() }
    defer { offset += size }
    return Value(littleEndian: bytes.loadUnaligned(fromByteOffset: offset, as: Value.self))
  }

  package mutating func varint() throws(OutOfBounds) -> UInt64 {
    var value: UInt64 = 0
    var shift: UInt64 = 0
    while true {
      guard remaining > 0, shift < 64 else { throw OutOfBounds() }
      let byte = bytes[offset]
      offset += 1
      value |= UInt64(byte & 0x7F) << shift
      if byte < 0x80 { return value }
      shift += 7
    }
  }

  package mutating func bytes(_ count: Int) throws(OutOfBounds) -> UnsafeRawBufferPointer {
    guard count >= 0, remaining >= count else { throw OutOfBounds() }
    defer { offset += count }
    return UnsafeRawBufferPointer(rebasing: bytes[offset..<offset + count])
  }
}

extension [UInt8] {
  /// `withUnsafeBytes` with a typed throw, which the standard library's has not.
  @inline(__always)
  package func withRawBytes<Result, Failure: Error>(
    _ body: (UnsafeRawBufferPointer) throws(Failure) -> Result
  ) throws(Failure) -> Result {
    try withUnsafeBufferPointer { (buffer) throws(Failure) in try body(UnsafeRawBufferPointer(buffer)) }
  }
}
