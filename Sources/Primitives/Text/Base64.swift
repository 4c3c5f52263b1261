// Base64 with padding (RFC 4648, 4) and base64url without (5). Both are read strictly: only the one text that the
// writer gives for some bytes is accepted, so equal bytes have equal text and a token cannot be respelled.

package enum Base64 {
  package static func string(_ bytes: [UInt8]) -> String { SixBit.standard.string(bytes, isPadded: true) }

  package static func decode(_ text: String) -> [UInt8]? {
    var characters = Array(text.utf8)
    guard characters.count.isMultiple(of: 4) else { return nil }
    for _ in 0..<2 where characters.last == SixBit.padding { characters.removeLast() }
    // One character cannot hold a byte, so a third `=` or `=` elsewhere falls out here or as a character of no value.
    return SixBit.standard.decode(characters)
  }
}

package enum Base64URL {
  package static func string(_ bytes: [UInt8]) -> String { SixBit.url.string(bytes, isPadded: false) }

  package static func decode(_ text: String) -> [UInt8]? { SixBit.url.decode(Array(text.utf8)) }
}

/// Six bits a character: what the two alphabets share.
private struct SixBit {
  static let padding: UInt8 = 0x3D
  static let standard = SixBit(tail: "+/")
  static let url = SixBit(tail: "-_")

  private let alphabet: [UInt8]
  /// By character; 0xFF where it has no value.
  private let values: [UInt8]

  private init(tail: String) {
    let letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789" + tail
    alphabet = Array(letters.utf8)
    var values = [UInt8](repeating: 0xFF, count: 256)
    for (value, character) in alphabet.enumerated() { values[Int(character)] = UInt8(value) }
    self.values = values
  }

  func string(_ bytes: [UInt8], isPadded: Bool) -> String {
    var text: [UInt8] = []
    text.reserveCapacity((bytes.count + 2) / 3 * 4)
    var place = 0
    while place < bytes.count {
      let taken = min(3, bytes.count - place)
      var group: UInt32 = 0
      for index in 0..<3 { group = group << 8 | (index < taken ? UInt32(bytes[place + index]) : 0) }
      for index in 0...taken { text.append(alphabet[Int(group >> UInt32(18 - 6 * index)) & 0x3F]) }
      if isPadded { for _ in taken..<3 { text.append(Self.padding) } }
      place += 3
    }
    return String(decoding: text, as: UTF8.self)
  }

  /// `characters` without padding; nil for a foreign character, an impossible count or bits left over that are not 0.
  func decode(_ characters: [UInt8]) -> [UInt8]? {
    guard characters.count % 4 != 1 else { return nil }
    var bytes: [UInt8] = []
    bytes.reserveCapacity(characters.count * 3 / 4)
    var window: UInt32 = 0
    var bits = 0
    for character in characters {
      let value = values[Int(character)]
      guard value != 0xFF else { return nil }
      window = window << 6 | UInt32(value)
      bits += 6
      if bits >= 8 {
        bits -= 8
        bytes.append(UInt8(truncatingIfNeeded: window >> UInt32(bits)))
      }
    }
    return window & ((1 << UInt32(bits)) - 1) == 0 ? bytes : nil
  }
}
