// JSON string literals with as few escapes as RFC 8259 allows: `"`, `\` and the controls. Everything else goes as it
// is.

package enum JSONWriter {
  /// Appends the literal, quotes included. `utf8` must be valid UTF-8.
  package static func appendString(_ utf8: UnsafeRawBufferPointer, to out: inout [UInt8]) {
    out.append(Ascii.quote)
    var runStart = 0
    var place = 0
    while true {
      place = JSONText.plainEnd(utf8, from: place)
      guard place < utf8.count else { break }
      let byte = utf8[place]
      if byte < 0x80 {
        out.append(contentsOf: utf8[runStart..<place])
        appendEscape(byte, to: &out)
        runStart = place + 1
      }
      place += 1
    }
    out.append(contentsOf: utf8[runStart...])
    out.append(Ascii.quote)
  }

  package static func appendString(_ text: String, to out: inout [UInt8]) {
    var text = text
    text.withUTF8 { appendString(UnsafeRawBufferPointer($0), to: &out) }
  }

  private static func appendEscape(_ byte: UInt8, to out: inout [UInt8]) {
    out.append(Ascii.backslash)
    switch byte {
    case 0x08: out.append(Ascii.lowerB)
    case 0x09: out.append(Ascii.lowerT)
    case 0x0A: out.append(Ascii.lowerN)
    case 0x0C: out.append(Ascii.lowerF)
    case 0x0D: out.append(Ascii.lowerR)
    case 0..<0x20:
      out.append(contentsOf: [Ascii.lowerU, Ascii.zero, Ascii.zero])
      out.append(Hex.digit(byte >> 4))
      out.append(Hex.digit(byte & 0x0F))
    default: out.append(byte)
    }
  }
}
