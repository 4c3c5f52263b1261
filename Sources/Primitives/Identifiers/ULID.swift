// Names of segments: 48 bits of time, then the 40-bit writer and the 40-bit number of its journal file. Two names
// with equal low 80 bits are one segment, whenever it was sent (CONTRACT 4). The text is 26 Crockford characters, as
// the ULID specification has it.

package struct ULID: Sendable, Hashable, Comparable, CustomStringConvertible {
  package static let textLength = Crockford.length
  private static let mask40: UInt64 = 1 << 40 - 1

  private let high: UInt64
  private let low: UInt64

  /// Milliseconds outside of 48 bits are taken as the nearest bound; of writer and number the low 40 bits are used.
  package init(milliseconds: Int64, writer: UInt64, number: UInt64) {
    let time = UInt64(min(max(milliseconds, 0), 1 << 48 - 1))
    high = time << 16 | (writer & Self.mask40) >> 24
    low = writer << 40 | number & Self.mask40
  }

  package var milliseconds: Int64 { Int64(high >> 16) }
  package var writer: UInt64 { (high & 0xFFFF) << 24 | low >> 40 }
  package var number: UInt64 { low & Self.mask40 }

  /// nil unless it is exactly the text of one: upper case, canonical.
  package init?(_ text: String) {
    var text = text
    guard let value = text.withUTF8({ Crockford.decode(UnsafeRawBufferPointer($0)) }) else { return nil }
    high = value.high
    low = value.low
  }

  package var description: String { Crockford.string(prefix: "", high: high, low: low) }

  package static func < (left: ULID, right: ULID) -> Bool {
    left.high != right.high ? left.high < right.high : left.low < right.low
  }
}
