// Values as they are written in the file.

import Primitives

enum SettingText {
  static func size(_ bytes: Int) -> String {
    guard bytes > 0, let unit = SettingParser.sizeUnits.prefix(4).first(where: { bytes.isMultiple(of: $0.bytes) })
    else {
      return "\(bytes)"
    }
    return "\(bytes / unit.bytes)\(unit.name)"
  }

  static func duration(_ seconds: Double) -> String {
    if seconds == 0 { return "0s" }
    let unit = SettingParser.durationUnits.last { seconds >= $0.seconds && isWhole(seconds / $0.seconds) }
    guard let unit else { return "\(number(seconds))s" }
    return "\(number(seconds / unit.seconds))\(unit.name)"
  }

  private static func isWhole(_ value: Double) -> Bool { value == value.rounded() && value < 1e15 }

  static func number(_ value: Double) -> String { isWhole(value) ? String(Int(value)) : value.description }

  /// A plain YAML scalar where that is safe, else in quotes as JSON has them, which YAML reads too.
  static func yaml(_ text: String) -> String {
    let isPlain =
      !text.isEmpty && !["true", "false", "null", "~", "yes", "no", "on", "off"].contains(text.lowercased())
      && text.utf8.allSatisfy { byte in
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
          UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "."), UInt8(ascii: "_"), UInt8(ascii: "/"),
          UInt8(ascii: "-"),
          UInt8(ascii: ":"):
          true
        default: false
        }
      }
      && text.first != "-" && !text.hasSuffix(":")
    return isPlain ? text : quoted(text)
  }

  private static func quoted(_ text: String) -> String {
    var bytes: [UInt8] = []
    JSONWriter.appendString(text, to: &bytes)
    return String(decoding: bytes, as: UTF8.self)
  }

  static func yaml(_ value: SettingValue, for setting: Setting) -> String {
    switch value {
    case .none: ""
    case .text(let text): setting.kind.isChoice ? text : yaml(text)
    case .flag(let flag): String(flag)
    case .integer(let number):
      if case .size = setting.kind { size(number) } else { String(number) }
    case .seconds(let seconds): setting.key.hasSuffix("_seconds") ? number(seconds) : duration(seconds)
    case .list(let elements): "[" + elements.map { listElement($0) }.joined(separator: ", ") + "]"
    }
  }

  /// Colons and brackets mean something inside of `[...]`.
  private static func listElement(_ text: String) -> String { quoted(text) }
}

extension Setting.Kind {
  var isChoice: Bool { if case .choice = self { true } else { false } }
}
