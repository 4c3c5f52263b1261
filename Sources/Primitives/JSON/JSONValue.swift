// JSON as a tree, for small documents (keys, catalog entries, settings). Numbers keep their text and members their
// order, so that what is written back is what was read. Not for the hot path.

package indirect enum JSONValue: Sendable {
  case string(String)
  /// As written.
  case number(String)
  case bool(Bool)
  case null
  case array([JSONValue])
  case object([(String, JSONValue)])

  /// The one value in `bytes`. Stricter than RFC 8259: repeated keys are refused, nesting is at most 64.
  package init(parsing bytes: [UInt8]) throws(JSONError) {
    self = try Self.parse(bytes)
  }

  private static func parse(_ bytes: [UInt8]) throws(JSONError) -> JSONValue {
    let result = bytes.withUnsafeBytes { bytes -> Result<JSONValue, JSONError> in
      do throws(JSONError) {
        var scanner = JSONScanner(bytes)
        let value = try build(&scanner, bytes, base: 0)
        try scanner.finish()
        return .success(value)
      } catch {
        return .failure(error)
      }
    }
    return try result.get()
  }

  /// Containers are scanned once a level, which bounds the work to 64 passes and keeps the scanner the only parser.
  /// `base` makes the offsets of errors those of the whole document.
  private static func build(
    _ scanner: inout JSONScanner, _ bytes: UnsafeRawBufferPointer, base: Int
  ) throws(JSONError) -> JSONValue {
    switch try scanner.peekKind() {
    case .object: return try buildObject(&scanner, bytes, base: base)
    case .array:
      var elements: [JSONValue] = []
      var hasMore = try scanner.beginArray()
      while hasMore {
        elements.append(try build(&scanner, bytes, base: base))
        hasMore = try scanner.nextElement()
      }
      return .array(elements)
    default: return scalar(try scanner.value(), bytes)
    }
  }

  private static func buildObject(
    _ scanner: inout JSONScanner, _ bytes: UnsafeRawBufferPointer, base: Int
  ) throws(JSONError) -> JSONValue {
    var places: [(key: JSONSlice, value: JSONSlice)] = []
    _ = try scanner.object { key, value in places.append((key, value)) }
    var seen: Set<[UInt8]> = []
    var members: [(String, JSONValue)] = []
    for place in places {
      let name = JSONScanner.decode(place.key, in: bytes)
      guard seen.insert(name).inserted else { throw JSONError(offset: base + place.key.start, reason: "repeated key") }
      var value: JSONValue
      switch place.value.kind {
      case .object, .array:
        let inner = UnsafeRawBufferPointer(rebasing: bytes[place.value.range])
        var innerScanner = JSONScanner(inner)
        value = try build(&innerScanner, inner, base: base + place.value.start)
      default: value = scalar(place.value, bytes)
      }
      members.append((String(decoding: name, as: UTF8.self), value))
    }
    return .object(members)
  }

  private static func scalar(_ slice: JSONSlice, _ bytes: UnsafeRawBufferPointer) -> JSONValue {
    switch slice.kind {
    case .string: .string(String(decoding: JSONScanner.decode(slice, in: bytes), as: UTF8.self))
    case .true: .bool(true)
    case .false: .bool(false)
    case .null: .null
    default: .number(String(decoding: bytes[slice.range], as: UTF8.self))
    }
  }
}

// MARK: - Access

extension JSONValue {
  /// The member of that name; nil where this is no object or has none.
  package subscript(key: String) -> JSONValue? {
    guard case .object(let members) = self else { return nil }
    return members.first { $0.0 == key }?.1
  }

  package var stringValue: String? { if case .string(let text) = self { text } else { nil } }
  /// A number without fraction and exponent that fits; else nil.
  package var intValue: Int? { if case .number(let text) = self { Int(text) } else { nil } }
  package var boolValue: Bool? { if case .bool(let value) = self { value } else { nil } }
  package var arrayValue: [JSONValue]? { if case .array(let elements) = self { elements } else { nil } }
  package var objectValue: [(String, JSONValue)]? { if case .object(let members) = self { members } else { nil } }

  /// Compact, no white space.
  package func serialized() -> [UInt8] {
    var out: [UInt8] = []
    serialize(into: &out)
    return out
  }

  private func serialize(into out: inout [UInt8]) {
    switch self {
    case .string(let text): JSONWriter.appendString(text, to: &out)
    case .number(let text): out.append(contentsOf: text.utf8)
    case .bool(let value): out.append(contentsOf: (value ? "true" : "false").utf8)
    case .null: out.append(contentsOf: "null".utf8)
    case .array(let elements):
      out.append(Ascii.openBracket)
      for (index, element) in elements.enumerated() {
        if index > 0 { out.append(Ascii.comma) }
        element.serialize(into: &out)
      }
      out.append(Ascii.closeBracket)
    case .object(let members):
      out.append(Ascii.openBrace)
      for (index, member) in members.enumerated() {
        if index > 0 { out.append(Ascii.comma) }
        JSONWriter.appendString(member.0, to: &out)
        out.append(Ascii.colon)
        member.1.serialize(into: &out)
      }
      out.append(Ascii.closeBrace)
    }
  }
}

/// Members compare in order: equal values are those that are written alike.
extension JSONValue: Equatable {
  package static func == (left: JSONValue, right: JSONValue) -> Bool {
    switch (left, right) {
    case (.string(let left), .string(let right)): left == right
    case (.number(let left), .number(let right)): left == right
    case (.bool(let left), .bool(let right)): left == right
    case (.null, .null): true
    case (.array(let left), .array(let right)): left == right
    case (.object(let left), .object(let right)): left.elementsEqual(right) { $0.0 == $1.0 && $0.1 == $1.1 }
    default: false
    }
  }
}
