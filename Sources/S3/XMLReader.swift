// XML as far as S3's replies need it (XML 1.0 without DTD), strict and bounded: a reply comes from another host and is
// hostile input. A DOCTYPE is refused, so there are no entities to expand but the five predefined ones and character
// references: the text of a document is never longer than the document. Attributes are checked and dropped; of a
// qualified name the local part counts.

struct XMLReader {
  enum Event: Equatable {
    case start(String)
    case text(String)
    case end(String)
  }

  struct Malformed: Error, Equatable {
    let reason: String
    let offset: Int
  }

  static let maxDepth = 16
  static let maxNameBytes = 128
  private let bytes: [UInt8]
  private var offset = 0
  private var open: [String] = []
  private var hasRoot = false
  /// The end of an element that closed itself.
  private var pendingEnd: String?

  init(_ bytes: [UInt8]) throws(Malformed) {
    guard String(validating: bytes, as: UTF8.self) != nil else { throw Malformed(reason: "not UTF-8", offset: 0) }
    self.bytes = bytes
    if bytes.starts(with: [0xEF, 0xBB, 0xBF]) { offset = 3 }
  }

  /// The next event, nil at the proper end. Text may come in several pieces.
  mutating func next() throws(Malformed) -> Event? {
    if let name = pendingEnd {
      pendingEnd = nil
      return .end(name)
    }
    while true {
      if try skipped("<?", to: "?>") { continue }
      if try skipped("<!--", to: "-->") { continue }
      if offset == bytes.count {
        guard hasRoot, open.isEmpty else { throw malformed("ends too early") }
        return nil
      }
      if starts(with: "<![CDATA[") { return .text(try characterData()) }
      if starts(with: "<!") { throw malformed("a DOCTYPE or another declaration, which is refused") }
      if starts(with: "</") { return try endTag() }
      if starts(with: "<") { return try startTag() }
      if let text = try text() { return .text(text) }
    }
  }

  private func malformed(_ reason: String) -> Malformed { Malformed(reason: reason, offset: offset) }

  private func starts(with text: StaticString) -> Bool {
    guard bytes.count - offset >= text.utf8CodeUnitCount else { return false }
    return text.withUTF8Buffer { text in
      for index in 0..<text.count where bytes[offset + index] != text[index] { return false }
      return true
    }
  }

  private mutating func skipped(_ opening: StaticString, to closing: StaticString) throws(Malformed) -> Bool {
    guard starts(with: opening) else { return false }
    offset += opening.utf8CodeUnitCount
    while !starts(with: closing) {
      guard offset < bytes.count else { throw malformed("ends too early") }
      offset += 1
    }
    offset += closing.utf8CodeUnitCount
    return true
  }
}

// MARK: - Tags

extension XMLReader {
  private static func isSpace(_ byte: UInt8) -> Bool { byte == 0x20 || byte == 0x09 || byte == 0x0A || byte == 0x0D }

  private mutating func skipSpace() {
    while offset < bytes.count, Self.isSpace(bytes[offset]) { offset += 1 }
  }

  /// The local part of a name.
  private mutating func name() throws(Malformed) -> String {
    let start = offset
    while offset < bytes.count {
      let byte = bytes[offset]
      let isLetter = byte | 0x20 >= 0x61 && byte | 0x20 <= 0x7A || byte == 0x5F || byte == 0x3A || byte >= 0x80
      let isDigit = byte >= 0x30 && byte <= 0x39 || byte == 0x2D || byte == 0x2E
      guard isLetter || isDigit && offset > start else { break }
      offset += 1
    }
    guard offset > start, offset - start <= Self.maxNameBytes else { throw malformed("a name is missing or too long") }
    let local = bytes[start..<offset].split(separator: UInt8(ascii: ":")).last ?? []
    return String(decoding: local, as: UTF8.self)
  }

  private mutating func take(_ text: StaticString) -> Bool {
    guard starts(with: text) else { return false }
    offset += text.utf8CodeUnitCount
    return true
  }

  private mutating func startTag() throws(Malformed) -> Event {
    guard !open.isEmpty || !hasRoot else { throw malformed("a second root element") }
    guard open.count < Self.maxDepth else { throw malformed("nested deeper than \(Self.maxDepth)") }
    offset += 1
    let name = try name()
    hasRoot = true
    while true {
      let before = offset
      skipSpace()
      if take("/>") {
        pendingEnd = name
        return .start(name)
      }
      if take(">") {
        open.append(name)
        return .start(name)
      }
      guard offset > before else { throw malformed("a start tag that does not end") }
      try attribute()
    }
  }

  private mutating func attribute() throws(Malformed) {
    _ = try name()
    skipSpace()
    guard take("=") else { throw malformed("an attribute without a value") }
    skipSpace()
    guard offset < bytes.count, bytes[offset] == 0x22 || bytes[offset] == 0x27 else {
      throw malformed("an attribute without quotes")
    }
    let quote = bytes[offset]
    offset += 1
    while offset < bytes.count, bytes[offset] != quote {
      guard bytes[offset] != UInt8(ascii: "<") else { throw malformed("'<' in an attribute") }
      offset += 1
    }
    guard offset < bytes.count else { throw malformed("ends too early") }
    offset += 1
  }

  private mutating func endTag() throws(Malformed) -> Event {
    offset += 2
    let name = try name()
    skipSpace()
    guard take(">") else { throw malformed("an end tag that does not end") }
    guard open.popLast() == name else { throw malformed("an end tag that does not fit") }
    return .end(name)
  }
}

// MARK: - Text

extension XMLReader {
  private mutating func characterData() throws(Malformed) -> String {
    guard !open.isEmpty else { throw malformed("text outside the root element") }
    let start = offset + 9
    _ = try skipped("<![CDATA[", to: "]]>")
    return String(decoding: bytes[start..<offset - 3], as: UTF8.self)
  }

  /// Up to the next `<`; nil for white space between the parts of the document.
  private mutating func text() throws(Malformed) -> String? {
    var text: [UInt8] = []
    while offset < bytes.count, bytes[offset] != UInt8(ascii: "<") {
      if bytes[offset] == UInt8(ascii: "&") {
        text.append(contentsOf: String(try reference()).utf8)
      } else {
        guard bytes[offset] >= 0x20 || Self.isSpace(bytes[offset]) else { throw malformed("a control character") }
        text.append(bytes[offset])
        offset += 1
      }
    }
    guard open.isEmpty else { return String(decoding: text, as: UTF8.self) }
    guard text.allSatisfy(Self.isSpace) else { throw malformed("text outside the root element") }
    return nil
  }

  private mutating func reference() throws(Malformed) -> Character {
    let start = offset + 1
    let limit = min(bytes.count, start + 10)
    guard let end = bytes[start..<limit].firstIndex(of: UInt8(ascii: ";")) else {
      throw malformed("a reference that does not end")
    }
    let name = String(decoding: bytes[start..<end], as: UTF8.self)
    let named: [String: Character] = ["lt": "<", "gt": ">", "amp": "&", "quot": "\"", "apos": "'"]
    let character: Character
    if let found = named[name] {
      character = found
    } else if name.hasPrefix("#x"), let scalar = Self.scalar(name.dropFirst(2), radix: 16) {
      character = scalar
    } else if name.hasPrefix("#"), let scalar = Self.scalar(name.dropFirst(1), radix: 10) {
      character = scalar
    } else {
      throw malformed("an entity that is not predefined")
    }
    offset = end + 1
    return character
  }

  private static func scalar(_ digits: Substring, radix: Int) -> Character? {
    guard let first = digits.utf8.first, first != UInt8(ascii: "+"), first != UInt8(ascii: "-"),
      let value = UInt32(digits, radix: radix), value >= 0x20 || value == 9 || value == 10 || value == 13,
      let scalar = Unicode.Scalar(value)
    else { return nil }
    return Character(scalar)
  }
}
