// The bytes of a body that is too long for the socket's buffer, in one piece. It grows with what has arrived, in
// steps, never by what a head promised; realloc moves pages of large pieces instead of copying them.

import Glibc

struct GrowingBuffer: ~Copyable {
  static let stepBytes = 64 * 1024

  private var start: UnsafeMutableRawPointer?
  private(set) var count = 0
  private(set) var capacity = 0

  init() {}

  deinit { free(start) }

  var bytes: UnsafeRawBufferPointer { UnsafeRawBufferPointer(start: start, count: count) }

  /// Steps that must be added before `more` bytes fit, in bytes.
  func growth(for more: Int) -> Int {
    let missing = count + more - capacity
    guard missing > 0 else { return 0 }
    return (missing + Self.stepBytes - 1) / Self.stepBytes * Self.stepBytes
  }

  /// False where the system has no memory for them.
  mutating func append(_ bytes: UnsafeRawBufferPointer) -> Bool {
    guard let source = bytes.baseAddress, !bytes.isEmpty else { return true }
    let growth = growth(for: bytes.count)
    if growth > 0 {
      guard let larger = realloc(start, capacity + growth) else { return false }
      start = larger
      capacity += growth
    }
    start?.advanced(by: count).copyMemory(from: source, byteCount: bytes.count)
    count += bytes.count
    return true
  }
}
