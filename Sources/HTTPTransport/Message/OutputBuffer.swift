// Bytes on their way out: one buffer a loop, used again for every reply, so that a head and a small body become one
// piece without an allocation and leave by one system call.

final class OutputBuffer {
  private var storage: UnsafeMutableRawBufferPointer
  private(set) var count = 0

  /// Kept between uses; what a large head needed on top is given back.
  private static let keptBytes = 64 * 1024

  init() { storage = .allocate(byteCount: Self.keptBytes, alignment: 16) }

  deinit { storage.deallocate() }

  var bytes: UnsafeRawBufferPointer { UnsafeRawBufferPointer(rebasing: storage[..<count]) }

  func clear() {
    count = 0
    if storage.count > Self.keptBytes {
      storage.deallocate()
      storage = .allocate(byteCount: Self.keptBytes, alignment: 16)
    }
  }

  @inline(__always)
  func append(_ bytes: UnsafeRawBufferPointer) {
    guard let source = bytes.baseAddress, !bytes.isEmpty else { return }
    reserve(bytes.count)
    storage.baseAddress?.advanced(by: count).copyMemory(from: source, byteCount: bytes.count)
    count += bytes.count
  }

  @inline(__always)
  func append(_ bytes: [UInt8]) { bytes.withUnsafeBytes { append($0) } }

  @inline(__always)
  func append(_ text: StaticString) {
    append(UnsafeRawBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount))
  }

  func append(_ text: String) {
    var text = text
    text.withUTF8 { append(UnsafeRawBufferPointer($0)) }
  }

  func append(decimal number: Int) { append(number: UInt(number), base: 10) }

  func append(hexadecimal number: Int) { append(number: UInt(number), base: 16) }

  private func append(number: UInt, base: UInt) {
    var rest = number
    var digits = 1
    while rest >= base {
      rest /= base
      digits += 1
    }
    reserve(digits)
    rest = number
    for index in stride(from: count + digits - 1, through: count, by: -1) {
      let digit = UInt8(truncatingIfNeeded: rest % base)
      storage[index] = digit < 10 ? Byte.zero + digit : 0x61 + digit - 10
      rest /= base
    }
    count += digits
  }

  @inline(__always)
  private func reserve(_ more: Int) {
    if count + more > storage.count { grow(to: count + more) }
  }

  @inline(never)
  private func grow(to needed: Int) {
    let larger = UnsafeMutableRawBufferPointer.allocate(byteCount: max(needed, storage.count * 2), alignment: 16)
    larger.copyMemory(from: bytes)
    storage.deallocate()
    storage = larger
  }
}
