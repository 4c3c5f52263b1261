// swift-log's metadata values as JSON and as text.

import Logging
import Primitives

enum MetadataJSON {
  /// Numbers and truth values stay what they are, everything else that is no container becomes a string.
  static func append(_ value: Logger.MetadataValue, to out: inout [UInt8]) {
    switch value {
    case .string(let text): JSONWriter.appendString(text, to: &out)
    case .stringConvertible(let value): append(value, to: &out)
    case .array(let elements):
      out.append(Ascii.openBracket)
      for (index, element) in elements.enumerated() {
        if index > 0 { out.append(Ascii.comma) }
        append(element, to: &out)
      }
      out.append(Ascii.closeBracket)
    case .dictionary(let members):
      out.append(Ascii.openBrace)
      for (index, member) in members.sorted(by: { $0.key < $1.key }).enumerated() {
        if index > 0 { out.append(Ascii.comma) }
        JSONWriter.appendString(member.key, to: &out)
        out.append(Ascii.colon)
        append(member.value, to: &out)
      }
      out.append(Ascii.closeBrace)
    }
  }

  private static func append(_ value: any CustomStringConvertible, to out: inout [UInt8]) {
    switch value {
    case let number as any BinaryInteger: out.append(contentsOf: String(describing: number).utf8)
    // Swift writes finite numbers as JSON does; infinities and NaN have no JSON form.
    case let number as Double where number.isFinite: out.append(contentsOf: number.description.utf8)
    case let number as Float where number.isFinite: out.append(contentsOf: number.description.utf8)
    case let truth as Bool: out.append(contentsOf: truth.description.utf8)
    default: JSONWriter.appendString(value.description, to: &out)
    }
  }
}

enum TextValue {
  /// As it is where it is one plain word (or several, for a message), else quoted like JSON with every control
  /// escaped, those above ASCII (U+007F to U+009F) too: a terminal may obey them.
  static func append(_ text: String, isMessage: Bool = false, to out: inout [UInt8]) {
    let isPlain = text.unicodeScalars.allSatisfy { scalar in
      switch scalar {
      case " ": isMessage
      case "\"", "=", "\\": false
      default: !isControl(scalar)
      }
    }
    if isPlain, !text.isEmpty {
      out.append(contentsOf: text.utf8)
      return
    }
    var quoted: [UInt8] = []
    JSONWriter.appendString(text, to: &quoted)
    for scalar in String(decoding: quoted, as: UTF8.self).unicodeScalars {
      if isControl(scalar) {
        out.append(contentsOf: "\\u00\(Hex.string([UInt8(scalar.value)]))".utf8)
      } else {
        out.append(contentsOf: UTF8.encode(scalar) ?? UTF8.encodedReplacementCharacter)
      }
    }
  }

  private static func isControl(_ scalar: Unicode.Scalar) -> Bool {
    scalar.value < 0x20 || (0x7F...0x9F).contains(scalar.value)
  }
}
