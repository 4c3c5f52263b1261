// CRC-32C (Castagnoli; RFC 3720, 12.1 and B.4): reflected polynomial 0x82F63B78, register and result inverted. By
// the processor's instruction where it has one, else by eight tables, eight bytes a step.

import CIntrinsics

package enum CRC32C {
  /// To go on over more bytes, pass the previous result as `seed`.
  package static func checksum(_ bytes: UnsafeRawBufferPointer, seed: UInt32 = 0) -> UInt32 {
    guard hasInstruction else { return tabulated(bytes, seed: seed) }
    return ~callflow_crc32c(~seed, bytes.baseAddress, bytes.count)
  }

  package static func checksum(_ bytes: [UInt8]) -> UInt32 { bytes.withUnsafeBytes { checksum($0) } }

  package static let hasInstruction = callflow_has_crc32c() != 0

  /// The same without the instruction; apart so that a test can compare the two.
  static func tabulated(_ bytes: UnsafeRawBufferPointer, seed: UInt32 = 0) -> UInt32 {
    tables.withUnsafeBufferPointer { tables in
      var state = ~seed
      var place = 0
      while bytes.count - place >= 8 {
        let word = UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: place, as: UInt64.self)) ^ UInt64(state)
        state = 0
        for lane in 0..<8 {
          let byte = Int(truncatingIfNeeded: word >> UInt64(8 * lane)) & 0xFF
          state ^= tables[(7 - lane) * 256 + byte]
        }
        place += 8
      }
      while place < bytes.count {
        state = state >> 8 ^ tables[Int(UInt8(truncatingIfNeeded: state) ^ bytes[place])]
        place += 1
      }
      return ~state
    }
  }

  /// Table n, 256 entries from n * 256: the effect of a byte followed by n zero bytes.
  private static let tables: [UInt32] = {
    var tables = [UInt32](repeating: 0, count: 8 * 256)
    for byte in 0..<256 {
      var state = UInt32(byte)
      for _ in 0..<8 { state = state & 1 == 1 ? state >> 1 ^ 0x82F6_3B78 : state >> 1 }
      tables[byte] = state
    }
    for index in 256..<tables.count {
      let before = tables[index - 256]
      tables[index] = before >> 8 ^ tables[Int(before & 0xFF)]
    }
    return tables
  }()
}
