// The JSON reader of the hot path: validates RFC 8259 strictly over raw bytes in one pass and yields places, without
// allocating.
//
// Nesting is kept as one bit a level (object or array), which bounds the depth to 64 and needs neither recursion nor
// a heap. Strings are walked 8 bytes a step while they are plain ASCII; UTF-8 is validated where it leaves ASCII
// (Unicode 15, table 3-7). Stricter than the RFC asks: escapes of lone surrogates are refused, because they have no
// UTF-8 to be stored or compared as.

package struct JSONScanner {
  package let bytes: UnsafeRawBufferPointer
  private let maxDepth: Int
  /// Arrays begun by `beginArray` and not yet ended.
  private var depth = 0
  /// Offset of the first byte not yet read.
  package private(set) var position = 0

  /// `maxDepth`: how many containers may be open at once, 1 to 64. The bytes must stay where they are while the
  /// scanner is used.
  package init(_ bytes: UnsafeRawBufferPointer, maxDepth: Int = 64) {
    precondition((1...64).contains(maxDepth), "the nesting is kept in 64 bits")
    self.bytes = bytes
    self.maxDepth = maxDepth
  }

  /// The kind of the value that starts here, by its first byte. Skips white space before it.
  package mutating func peekKind() throws(JSONError) -> JSONKind {
    position = skipSpace(position)
    guard position < bytes.count else { throw unexpectedEnd }
    switch bytes[position] {
    case Ascii.quote: return .string
    case Ascii.openBrace: return .object
    case Ascii.openBracket: return .array
    case Ascii.minus, Ascii.zero...Ascii.nine: return .number
    case Ascii.lowerT: return .true
    case Ascii.lowerF: return .false
    case Ascii.lowerN: return .null
    default: throw JSONError(offset: position, reason: "a value must start here")
    }
  }

  /// Validates one whole value, white space before it included, and goes behind it.
  package mutating func value() throws(JSONError) -> JSONSlice {
    let start = skipSpace(position)
    guard start < bytes.count else { throw unexpectedEnd }
    var slice = JSONSlice(start: start, end: start, kind: .object)
    switch bytes[start] {
    case Ascii.quote:
      slice.kind = .string
      slice.end = try string(start, &slice.hasEscapes)
    case Ascii.openBrace:
      slice.end = try container(start)
    case Ascii.openBracket:
      slice.kind = .array
      slice.end = try container(start)
    default:
      slice.end = try plain(start, &slice.kind)
    }
    position = slice.end
    return slice
  }

  /// Validates one whole object and calls `member` for each of its own members, in order, each already validated.
  /// Nested ones are validated only. Repeated keys are the caller's to notice.
  package mutating func object(_ member: (_ key: JSONSlice, _ value: JSONSlice) -> Void) throws(JSONError) -> JSONSlice
  {
    let start = skipSpace(position)
    guard start < bytes.count else { throw unexpectedEnd }
    guard bytes[start] == Ascii.openBrace else { throw JSONError(offset: start, reason: "an object must start here") }
    guard depth < maxDepth else { throw tooDeep(start) }
    depth += 1
    defer { depth -= 1 }
    position = skipSpace(start + 1)
    if position < bytes.count, bytes[position] == Ascii.closeBrace {
      position += 1
      return JSONSlice(start: start, end: position, kind: .object)
    }
    while true {
      var key = JSONSlice(start: position, end: position, kind: .string)
      position = try self.key(position, &key)
      member(key, try value())
      position = skipSpace(position)
      guard position < bytes.count else { throw unexpectedEnd }
      let byte = bytes[position]
      position += 1
      if byte == Ascii.closeBrace { return JSONSlice(start: start, end: position, kind: .object) }
      guard byte == Ascii.comma else { throw JSONError(offset: position - 1, reason: "expected ',' or '}'") }
      position = skipSpace(position)
    }
  }

  /// Goes behind the `[`. False where the array is empty; it is then behind the `]` already.
  package mutating func beginArray() throws(JSONError) -> Bool {
    let start = skipSpace(position)
    guard start < bytes.count else { throw unexpectedEnd }
    guard bytes[start] == Ascii.openBracket else { throw JSONError(offset: start, reason: "an array must start here") }
    guard depth < maxDepth else { throw tooDeep(start) }
    position = skipSpace(start + 1)
    if position < bytes.count, bytes[position] == Ascii.closeBracket {
      position += 1
      return false
    }
    depth += 1
    return true
  }

  /// After an element: true behind a `,`, where another element must follow; false behind the `]` that ends the array.
  package mutating func nextElement() throws(JSONError) -> Bool {
    position = skipSpace(position)
    guard position < bytes.count else { throw unexpectedEnd }
    switch bytes[position] {
    case Ascii.comma:
      position += 1
      return true
    case Ascii.closeBracket:
      position += 1
      depth -= 1
      return false
    default: throw JSONError(offset: position, reason: "expected ',' or ']'")
    }
  }

  /// Only white space may remain.
  package mutating func finish() throws(JSONError) {
    position = skipSpace(position)
    guard position == bytes.count else { throw JSONError(offset: position, reason: "nothing may follow the value") }
  }
}

// MARK: - Containers

extension JSONScanner {
  /// From a `{` or `[` to behind its partner. `objects` holds the open containers, the innermost in bit 0, 1 for an
  /// object.
  private func container(_ start: Int) throws(JSONError) -> Int {
    var objects: UInt64 = 0
    var level = depth
    var place = start
    while true {
      // A value starts at `place`.
      guard place < bytes.count else { throw unexpectedEnd }
      let first = bytes[place]
      if first == Ascii.quote {
        var hasEscapes = false
        place = try string(place, &hasEscapes)
      } else if first == Ascii.openBrace || first == Ascii.openBracket {
        guard level < maxDepth else { throw tooDeep(place) }
        level += 1
        let isObject = first == Ascii.openBrace
        objects = objects << 1 | (isObject ? 1 : 0)
        place = skipSpace(place + 1)
        guard place < bytes.count else { throw unexpectedEnd }
        // The partner of '{' and of '[' is the code point two above it.
        if bytes[place] != first + 2 {
          if isObject { place = try keyAndColon(place) }
          continue
        }
      } else {
        var kind = JSONKind.null
        place = try plain(place, &kind)
      }
      if try ended(&place, &objects, &level) { return place }
    }
  }

  /// Behind a value inside a container: true where the outermost one has ended too; else `place` is where the next
  /// value starts.
  @inline(__always)
  private func ended(_ place: inout Int, _ objects: inout UInt64, _ level: inout Int) throws(JSONError) -> Bool {
    while true {
      place = skipSpace(place)
      guard place < bytes.count else { throw unexpectedEnd }
      let byte = bytes[place]
      let isObject = objects & 1 == 1
      if byte == Ascii.comma {
        place = skipSpace(place + 1)
        if isObject { place = try keyAndColon(place) }
        return false
      }
      guard byte == (isObject ? Ascii.closeBrace : Ascii.closeBracket) else {
        throw JSONError(offset: place, reason: isObject ? "expected ',' or '}'" : "expected ',' or ']'")
      }
      place += 1
      objects >>= 1
      level -= 1
      if level == depth { return true }
    }
  }

  /// From the quote of a key to the start of its value.
  @inline(__always)
  private func keyAndColon(_ start: Int) throws(JSONError) -> Int {
    var slice = JSONSlice(start: start, end: start, kind: .string)
    return skipSpace(try key(start, &slice))
  }

  /// From the quote of a key to behind the colon; `slice` becomes the key's place.
  @inline(__always)
  private func key(_ start: Int, _ slice: inout JSONSlice) throws(JSONError) -> Int {
    guard start < bytes.count else { throw unexpectedEnd }
    guard bytes[start] == Ascii.quote else { throw JSONError(offset: start, reason: "a key must start here") }
    slice.start = start
    slice.end = try string(start, &slice.hasEscapes)
    let colon = skipSpace(slice.end)
    guard colon < bytes.count else { throw unexpectedEnd }
    guard bytes[colon] == Ascii.colon else { throw JSONError(offset: colon, reason: "expected ':'") }
    return colon + 1
  }
}

// MARK: - Plain values

extension JSONScanner {
  /// A number or a literal, from its first byte to behind it.
  private func plain(_ start: Int, _ kind: inout JSONKind) throws(JSONError) -> Int {
    switch bytes[start] {
    case Ascii.minus, Ascii.zero...Ascii.nine:
      kind = .number
      return try number(start)
    case Ascii.lowerT:
      kind = .true
      return try literal(start, 0x6575_7274, 4)  // "true", little-endian
    case Ascii.lowerN:
      kind = .null
      return try literal(start, 0x6C6C_756E, 4)  // "null"
    case Ascii.lowerF:
      kind = .false
      return try literal(start + 1, 0x6573_6C61, 4)  // "alse"
    default: throw JSONError(offset: start, reason: "a value must start here")
    }
  }

  @inline(__always)
  private func literal(_ start: Int, _ word: UInt32, _ length: Int) throws(JSONError) -> Int {
    guard bytes.count - start >= length,
      UInt32(littleEndian: bytes.loadUnaligned(fromByteOffset: start, as: UInt32.self)) == word
    else { throw JSONError(offset: start, reason: "not true, false or null") }
    return start + length
  }

  private func number(_ start: Int) throws(JSONError) -> Int {
    var place = start
    if bytes[place] == Ascii.minus { place += 1 }
    guard place < bytes.count else { throw unexpectedEnd }
    if bytes[place] == Ascii.zero {
      place += 1
    } else {
      place = try digits(place)
    }
    if place < bytes.count, bytes[place] == Ascii.dot { place = try digits(place + 1) }
    if place < bytes.count, bytes[place] | 0x20 == Ascii.lowerE {
      place += 1
      if place < bytes.count, bytes[place] == Ascii.plus || bytes[place] == Ascii.minus { place += 1 }
      place = try digits(place)
    }
    return place
  }

  /// At least one digit, and behind the last.
  @inline(__always)
  private func digits(_ start: Int) throws(JSONError) -> Int {
    var place = start
    while place < bytes.count, bytes[place] &- Ascii.zero < 10 { place += 1 }
    guard place > start else {
      if place == bytes.count { throw unexpectedEnd }
      throw JSONError(offset: place, reason: "expected a digit")
    }
    return place
  }

  /// RFC 8259, 2: space, tab, line feed, carriage return.
  @inline(__always)
  private func skipSpace(_ start: Int) -> Int {
    var place = start
    while place < bytes.count {
      let byte = bytes[place]
      if byte > Ascii.space { break }
      guard byte == Ascii.space || byte == 0x0A || byte == 0x0D || byte == 0x09 else { break }
      place += 1
    }
    return place
  }

  @inline(never)
  private func tooDeep(_ place: Int) -> JSONError {
    JSONError(offset: place, reason: "nested deeper than \(maxDepth) levels")
  }

  private var unexpectedEnd: JSONError {
    @inline(never) get { JSONError(offset: bytes.count, reason: "unexpected end") }
  }
}

// MARK: - Strings

extension JSONScanner {
  /// From the opening quote to behind the closing one.
  @inline(__always)
  private func string(_ start: Int, _ hasEscapes: inout Bool) throws(JSONError) -> Int {
    var place = start + 1
    while true {
      place = JSONText.plainEnd(bytes, from: place)
      guard place < bytes.count else { throw unexpectedEnd }
      let byte = bytes[place]
      if byte == Ascii.quote { return place + 1 }
      if byte == Ascii.backslash {
        hasEscapes = true
        place = try escape(place)
      } else {
        place = try character(place)
      }
    }
  }

  /// A character outside ASCII, or the refusal of a control.
  private func character(_ start: Int) throws(JSONError) -> Int {
    guard bytes[start] >= 0x80 else { throw JSONError(offset: start, reason: "control character in a string") }
    let length = UTF8Text.sequenceLength(bytes, at: start)
    guard length > 0 else { throw JSONError(offset: start, reason: "invalid UTF-8") }
    return start + length
  }

  /// From the backslash to behind the escape.
  private func escape(_ start: Int) throws(JSONError) -> Int {
    guard start + 1 < bytes.count else { throw unexpectedEnd }
    switch bytes[start + 1] {
    case Ascii.quote, Ascii.backslash, Ascii.slash, Ascii.lowerB, Ascii.lowerF, Ascii.lowerN, Ascii.lowerR,
      Ascii.lowerT:
      return start + 2
    case Ascii.lowerU: break
    default: throw JSONError(offset: start, reason: "invalid escape")
    }
    guard let unit = JSONText.hexUnit(bytes, at: start + 2) else {
      throw JSONError(offset: start, reason: "invalid escape")
    }
    if unit & 0xF800 != 0xD800 { return start + 6 }
    // A high half needs its low half at once (RFC 8259, 7).
    guard unit < 0xDC00, start + 7 < bytes.count, bytes[start + 6] == Ascii.backslash, bytes[start + 7] == Ascii.lowerU,
      let low = JSONText.hexUnit(bytes, at: start + 8), low & 0xFC00 == 0xDC00
    else { throw JSONError(offset: start, reason: "lone surrogate") }
    return start + 12
  }

  /// The UTF-8 of a string that this scanner has validated, escapes decoded; the bytes as they are for any other value.
  package static func decode(_ slice: JSONSlice, in bytes: UnsafeRawBufferPointer) -> [UInt8] {
    let content = UnsafeRawBufferPointer(rebasing: bytes[slice.content])
    return slice.hasEscapes ? JSONText.unescaped(content) : [UInt8](content)
  }
}
