// Bloom filter over the 32-bit hashes of callIds (section 2 of the segment): answers "not in here" without reading the
// index.

import Primitives

enum CallFilter {
  private static let headerSize = 8

  /// Section bytes for these hashes.
  static func make(_ hashes: some Collection<UInt32>) -> [UInt8] {
    let bits = max(64, hashes.count * SegmentFormat.filterBitsPerCall)
    var bytes: [UInt8] = []
    bytes.appendLittle(SegmentFormat.filterHashes)
    bytes.appendLittle(UInt32(0))
    bytes.append(contentsOf: repeatElement(0, count: (bits + 7) / 8))
    let count = UInt32((bytes.count - headerSize) * 8)
    for hash in hashes {
      forEachBit(hash, hashes: SegmentFormat.filterHashes, count: count) { bit in
        bytes[headerSize + bit >> 3] |= 1 << UInt8(bit & 7)
        return true
      }
    }
    return bytes
  }

  /// False only where the call is certainly not in the segment.
  static func mayContain(_ hash: UInt32, _ section: UnsafeRawBufferPointer) -> Bool {
    guard section.count > headerSize else { return true }
    let hashes = min(32, UInt32(littleEndian: section.loadUnaligned(as: UInt32.self)))
    let count = UInt32((section.count - headerSize) * 8)
    return forEachBit(hash, hashes: hashes, count: count) { bit in
      section[headerSize + bit >> 3] & (1 << UInt8(bit & 7)) != 0
    }
  }

  @discardableResult
  private static func forEachBit(_ hash: UInt32, hashes: UInt32, count: UInt32, _ visit: (Int) -> Bool) -> Bool {
    let step = fmix32(hash ^ 0x9E37_79B9) | 1
    var value = fmix32(hash)
    for _ in 0..<hashes {
      if !visit(Int(value.multipliedFullWidth(by: count).high)) { return false }
      value &+= step
    }
    return true
  }

  /// MurmurHash3's finalizer: a CRC is linear, a filter's bits must not be.
  private static func fmix32(_ value: UInt32) -> UInt32 {
    var mixed = value
    mixed = (mixed ^ mixed >> 16) &* 0x85EB_CA6B
    mixed = (mixed ^ mixed >> 13) &* 0xC2B2_AE35
    return mixed ^ mixed >> 16
  }
}
