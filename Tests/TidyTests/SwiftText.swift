// Swift source with comments and the insides of string literals blanked, so that rules about code see code only. Lines
// keep their numbers and lengths. A reader of the lexical level, no parser: regex literals are not known to it and not
// used in this repository.

struct SwiftText {
  /// The code, a line each, blanked.
  let lines: [String]

  init(_ source: String) {
    var blanker = Blanker(Array(source.utf8))
    blanker.code(until: nil)
    lines = String(decoding: blanker.out, as: UTF8.self).split(separator: "\n", omittingEmptySubsequences: false).map(
      String.init)
  }

  /// Name, first line (from 1) and number of lines of each function, initializer and subscript that has a body.
  var functions: [(name: String, line: Int, count: Int)] {
    lines.indices.compactMap { index in
      guard let name = Self.declaredFunction(lines[index]), let last = lastLineOfBody(from: index) else { return nil }
      return (name, index + 1, last - index + 1)
    }
  }

  /// Modules that the file imports.
  var imports: [(module: String, line: Int)] {
    lines.enumerated().compactMap { index, line in
      let words = line.split(separator: " ").map(String.init)
      guard let position = words.firstIndex(of: "import"), position + 1 < words.count else { return nil }
      guard words[..<position].allSatisfy({ $0.hasPrefix("@") || Self.modifiers.contains($0) }) else { return nil }
      let kinds: Set = ["struct", "class", "enum", "protocol", "func", "var", "let", "typealias"]
      let named = words[position + 1]
      guard let module = kinds.contains(named) ? words.last : named else { return nil }
      return (module.split(separator: ".").first.map(String.init) ?? module, index + 1)
    }
  }

  private static let modifiers: Set = [
    "package", "private", "internal", "fileprivate", "public", "open", "static", "final", "override", "mutating",
    "nonmutating",
    "consuming", "borrowing", "nonisolated", "convenience", "required", "isolated", "class",
  ]

  private static func declaredFunction(_ line: String) -> String? {
    var rest = Substring(line.drop { $0 == " " })
    while true {
      let word = rest.prefix { $0.isLetter || $0.isNumber || $0 == "_" || $0 == "@" }
      if word.isEmpty { return nil }
      rest = rest.dropFirst(word.count)
      switch word {
      case "func": return String(rest.drop { $0 == " " }.prefix { !"(<{ ".contains($0) || $0 == "<" })
      case "init", "deinit", "subscript": return String(word)
      default:
        guard word.hasPrefix("@") || modifiers.contains(String(word)) else { return nil }
        if rest.first == "(" { rest = rest.drop { $0 != ")" }.dropFirst() }
        rest = rest.drop { $0 == " " }
      }
    }
  }

  /// The line of the brace that closes the body whose declaration starts at `start`; nil for a requirement without a
  /// body.
  private func lastLineOfBody(from start: Int) -> Int? {
    var parentheses = 0
    var braces = 0
    for index in start..<lines.count {
      if index > start, braces == 0, parentheses == 0, Self.beginsAnother(lines[index]) { return nil }
      for character in lines[index].utf8 {
        switch character {
        case UInt8(ascii: "("), UInt8(ascii: "["): parentheses += 1
        case UInt8(ascii: ")"), UInt8(ascii: "]"): parentheses -= 1
        case UInt8(ascii: "{") where parentheses == 0 || braces > 0: braces += 1
        case UInt8(ascii: "}") where parentheses == 0 || braces > 0:
          braces -= 1
          if braces == 0 { return index }
          if braces < 0 { return nil }
        default: break
        }
      }
    }
    return nil
  }

  private static func beginsAnother(_ line: String) -> Bool {
    let first = line.drop { $0 == " " }.prefix { $0.isLetter }
    return declaredFunction(line) != nil || first == "var" || first == "let" || first == "associatedtype"
  }
}

/// Walks the bytes once and copies them, blanks for what is comment or text.
private struct Blanker {
  private let bytes: [UInt8]
  private var position = 0
  private(set) var out: [UInt8] = []

  init(_ bytes: [UInt8]) { self.bytes = bytes }

  /// Code, up to the closing parenthesis of an interpolation or to the end.
  mutating func code(until end: UInt8?) {
    var depth = 0
    while position < bytes.count {
      if starts("//") {
        while position < bytes.count, bytes[position] != UInt8(ascii: "\n") { blank() }
      } else if starts("/*") {
        comment()
      } else if let hashes = stringStart() {
        string(hashes: hashes)
      } else {
        let byte = bytes[position]
        if let end, byte == end, depth == 0 { return }
        if byte == UInt8(ascii: "(") { depth += 1 }
        if byte == UInt8(ascii: ")") { depth -= 1 }
        keep()
      }
    }
  }

  private mutating func comment() {
    var depth = 0
    repeat {
      if starts("/*") {
        depth += 1
        blank(2)
      } else if starts("*/") {
        depth -= 1
        blank(2)
      } else {
        blank()
      }
    } while depth > 0 && position < bytes.count
  }

  /// The number of `#` if a string literal starts here.
  private func stringStart() -> Int? {
    var ahead = position
    while ahead < bytes.count, bytes[ahead] == UInt8(ascii: "#") { ahead += 1 }
    return ahead < bytes.count && bytes[ahead] == UInt8(ascii: "\"") ? ahead - position : nil
  }

  private mutating func string(hashes: Int) {
    keep(hashes)
    let quotes = starts("\"\"\"") ? "\"\"\"" : "\""
    let pounds = String(repeating: "#", count: hashes)
    keep(quotes.utf8.count)
    while position < bytes.count {
      if starts(quotes + pounds) {
        keep(quotes.utf8.count + hashes)
        return
      }
      if starts("\\" + pounds + "(") {
        blank(2 + hashes)
        code(until: UInt8(ascii: ")"))
        blank()
      } else if starts("\\" + pounds) {
        blank(2 + hashes)
      } else {
        blank()
      }
    }
  }

  private func starts(_ text: String) -> Bool { bytes[position...].starts(with: text.utf8) }

  private mutating func keep(_ count: Int = 1) {
    for byte in bytes[position..<min(position + count, bytes.count)] { out.append(byte) }
    position += count
  }

  private mutating func blank(_ count: Int = 1) {
    for byte in bytes[min(position, bytes.count)..<min(position + count, bytes.count)] {
      // Of a character of several bytes one blank is left, so that the text stays UTF-8.
      if byte == UInt8(ascii: "\n") { out.append(byte) } else if byte & 0xC0 != 0x80 { out.append(UInt8(ascii: " ")) }
    }
    position += count
  }
}
