// The event's id: 128 bits that say where to look for the event (CONTRACT 3.1).
//
//   high: 48 bits of timestamp (ms since 1970) | 16 upper bits of the callId's hash
//   low:  16 lower bits of the callId's hash   | 1 keyed | 47 that make it unique
//
// The text is `evt_` and 26 Crockford characters; texts sort as the values do.

package struct EventID: Sendable, Hashable, Comparable, CustomStringConvertible {
  package static let textLength = 4 + Crockford.length
  private static let prefix: StaticString = "evt_"
  private static let uniqueMask: UInt64 = 1 << 47 - 1

  package let high: UInt64
  package let low: UInt64

  package init(high: UInt64, low: UInt64) {
    self.high = high
    self.low = low
  }

  /// Milliseconds outside of 48 bits are taken as the nearest bound; of `unique` the low 47 bits are used.
  package init(milliseconds: Int64, callHash: UInt32, isKeyed: Bool, unique: UInt64) {
    let time = UInt64(min(max(milliseconds, 0), 1 << 48 - 1))
    high = time << 16 | UInt64(callHash >> 16)
    low = UInt64(callHash & 0xFFFF) << 48 | (isKeyed ? 1 << 47 : 0) | unique & Self.uniqueMask
  }

  package var milliseconds: Int64 { Int64(high >> 16) }
  package var callHash: UInt32 { UInt32(truncatingIfNeeded: high & 0xFFFF) << 16 | UInt32(low >> 48) }
  package var isKeyed: Bool { low >> 47 & 1 == 1 }
  package var unique: UInt64 { low & Self.uniqueMask }

  /// CRC-32C of the callId's decoded UTF-8.
  package static func callHash(_ callId: UnsafeRawBufferPointer) -> UInt32 { CRC32C.checksum(callId) }

  /// nil unless it is exactly the text of an id.
  package init?(_ text: UnsafeRawBufferPointer) {
    guard text.count == Self.textLength, text.loadUnaligned(as: UInt32.self) == Self.prefixWord,
      let value = Crockford.decode(UnsafeRawBufferPointer(rebasing: text[4...]))
    else { return nil }
    high = value.high
    low = value.low
  }

  package init?(_ text: String) {
    var text = text
    guard let id = text.withUTF8({ EventID(UnsafeRawBufferPointer($0)) }) else { return nil }
    self = id
  }

  /// Writes exactly `textLength` bytes.
  package func write(to out: UnsafeMutableRawPointer) {
    out.storeBytes(of: Self.prefixWord, as: UInt32.self)
    Crockford.write(high: high, low: low, to: out + 4)
  }

  package var description: String { Crockford.string(prefix: Self.prefix, high: high, low: low) }

  package static func < (left: EventID, right: EventID) -> Bool {
    left.high != right.high ? left.high < right.high : left.low < right.low
  }

  /// `evt_` in the byte order of memory.
  private static let prefixWord = UInt32(bigEndian: 0x6576_745F)
}
