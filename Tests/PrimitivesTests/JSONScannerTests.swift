// The scanner's places, errors and bounds, the writer's escapes and the tree's access.

import Primitives
import TestSupport
import Testing

@Suite struct JSONScannerTests {
  private func scan<R>(_ text: String, maxDepth: Int = 64, _ body: (inout JSONScanner) throws -> R) rethrows -> R {
    try Array(text.utf8).withUnsafeBytes { bytes in
      var scanner = JSONScanner(bytes, maxDepth: maxDepth)
      return try body(&scanner)
    }
  }

  private func refusal(_ bytes: [UInt8]) -> JSONError? {
    bytes.withUnsafeBytes { bytes in
      do throws(JSONError) {
        var scanner = JSONScanner(bytes)
        _ = try scanner.value()
        try scanner.finish()
        return nil
      } catch {
        return error
      }
    }
  }

  private func refusal(_ text: String) -> JSONError? { refusal(Array(text.utf8)) }

  @Test func object_YieldsItsOwnMembers_WhenValuesAreNested() throws {
    let text = #" { "a" : 1 , "b\n":{"c":[1,{"d":2}]} ,"e":"x\"y", "f":[ ], "g":true,"h":null,"i":-0.5e+10 } "#
    let bytes = Array(text.utf8)
    var seen: [String] = []
    let whole = try scan(text) { scanner in
      let slice = try scanner.object { key, value in
        let name = String(decoding: bytes[key.content], as: UTF8.self)
        seen.append("\(name)|\(key.hasEscapes)|\(String(decoding: bytes[value.range], as: UTF8.self))|\(value.kind)")
      }
      try scanner.finish()
      return slice
    }
    #expect(
      seen == [
        "a|false|1|number", #"b\n|true|{"c":[1,{"d":2}]}|object"#, #"e|false|"x\"y"|string"#, "f|false|[ ]|array",
        "g|false|true|true", "h|false|null|null", "i|false|-0.5e+10|number",
      ])
    #expect(whole.start == 1)
    #expect(whole.end == bytes.count - 1)
  }

  @Test func object_Throws_WhenTheValueIsNone() {
    #expect(throws: JSONError(offset: 0, reason: "an object must start here")) {
      try scan("[]") { scanner in try scanner.object { _, _ in } }
    }
    #expect(throws: JSONError(offset: 0, reason: "unexpected end")) {
      try scan("") { scanner in try scanner.object { _, _ in } }
    }
  }

  @Test func array_YieldsElements_OneByOne() throws {
    try scan(#" [ {"a":1} , 2 ,"x" ] "#) { scanner in
      var kinds: [JSONKind] = []
      var hasMore = try scanner.beginArray()
      while hasMore {
        kinds.append(try scanner.peekKind())
        _ = try scanner.value()
        hasMore = try scanner.nextElement()
      }
      try scanner.finish()
      #expect(kinds == [.object, .number, .string])
    }
    try scan(" [ ] ") { scanner in
      #expect(try scanner.beginArray() == false)
      try scanner.finish()
    }
  }

  @Test func depth_IsBoundedAlike_ByEveryEntryPoint() throws {
    let deepest = String(repeating: "[", count: 64) + String(repeating: "]", count: 64)
    #expect(refusal(deepest) == nil)
    #expect(refusal("[" + deepest + "]") == JSONError(offset: 64, reason: "nested deeper than 64 levels"))
    let mixed = String(repeating: #"{"a":["#, count: 32) + "1" + String(repeating: "]}", count: 32)
    #expect(refusal(mixed) == nil)
    #expect(refusal("[\(mixed)]") == JSONError(offset: 32 * 6, reason: "nested deeper than 64 levels"))

    // Inside of an array that was begun, one level less remains, and the level is given back at its end.
    try scan("[[[1]],[[1]]]", maxDepth: 3) { scanner in
      _ = try scanner.beginArray()
      _ = try scanner.value()
      _ = try scanner.nextElement()
      _ = try scanner.value()
      #expect(try scanner.nextElement() == false)
    }
    #expect(throws: JSONError.self) {
      try scan("[[[1]]]", maxDepth: 2) { scanner in
        _ = try scanner.beginArray()
        _ = try scanner.value()
      }
    }
    #expect(throws: JSONError.self) {
      try scan(#"{"a":[[1]]}"#, maxDepth: 2) { scanner in try scanner.object { _, _ in } }
    }
    #expect(throws: JSONError.self) {
      try scan("[[[1]]]", maxDepth: 2) { scanner in
        for _ in 0..<3 { _ = try scanner.beginArray() }
      }
    }
  }

  @Test(arguments: [
    ("", 0, "unexpected end"), ("  ", 2, "unexpected end"), ("{", 1, "unexpected end"), ("[1", 2, "unexpected end"),
    ("\"abc", 4, "unexpected end"), ("[1,]", 3, "a value must start here"), ("{\"a\":1,}", 7, "a key must start here"),
    ("{\"a\" 1}", 5, "expected ':'"), ("[1 2]", 3, "expected ',' or ']'"), ("{\"a\":1]", 6, "expected ',' or '}'"),
    ("01", 1, "nothing may follow the value"), ("-", 1, "unexpected end"), ("1.", 2, "unexpected end"),
    ("1.x", 2, "expected a digit"), ("1e+", 3, "unexpected end"), ("+1", 0, "a value must start here"),
    ("tru", 0, "not true, false or null"), ("nulL", 0, "not true, false or null"),
    ("\"\\x\"", 1, "invalid escape"), ("\"\\u12G4\"", 1, "invalid escape"), ("\"\\uD800\"", 1, "lone surrogate"),
    ("\"\\uDC00\"", 1, "lone surrogate"), ("\"\\uD800\\uD800\"", 1, "lone surrogate"),
    ("\"a\u{1}\"", 2, "control character in a string"), ("1 1", 2, "nothing may follow the value"),
    ("\u{FEFF}1", 0, "a value must start here"), ("1\u{C}", 1, "nothing may follow the value"),
  ])
  func value_NamesPlaceAndReason_WhenTheTextIsNotJSON(text: String, offset: Int, reason: String) {
    #expect(refusal(text) == JSONError(offset: offset, reason: reason))
  }

  /// Every first and second byte of a sequence, against the standard library's own validation, at every alignment to
  /// the 8-byte step.
  @Test func strings_AcceptExactlyUTF8_WhenBytesAreArbitrary() {
    for lead in 0..<9 {
      let padding = [UInt8](repeating: 0x61, count: lead)
      for first in UInt8(0x20)...0xFF {
        for second in stride(from: UInt8(0x20), through: 0xFF, by: lead == 0 ? 1 : 7) {
          for tail in [[], [0x80], [0x80, 0xBF], [0xC0], [0x62]] as [[UInt8]] {
            let content = padding + [first, second] + tail
            if content.contains(0x22) || content.contains(0x5C) { continue }
            let isValid = String(validating: content, as: UTF8.self) != nil
            #expect((refusal([0x22] + content + [0x22]) == nil) == isValid, "\(content)")
          }
        }
      }
    }
  }

  @Test func decode_Unescapes_EveryEscape() throws {
    let text = #""\"\\\/\b\f\n\r\t\u0041\u00e9\u20AC\ud83d\ude00é€😀""#
    let bytes = Array(text.utf8)
    let slice = try scan(text) { scanner in try scanner.value() }
    #expect(slice.hasEscapes)
    let decoded = bytes.withUnsafeBytes { JSONScanner.decode(slice, in: $0) }
    #expect(String(decoding: decoded, as: UTF8.self) == "\"\\/\u{8}\u{C}\n\r\tAé€😀é€😀")
  }

  @Test func writer_EscapesOnlyWhatMustBe() {
    var out: [UInt8] = []
    JSONWriter.appendString("a\"b\\c/\u{8}\u{C}\n\r\t\u{0}\u{1F}\u{7F}é😀", to: &out)
    #expect(String(decoding: out, as: UTF8.self) == #""a\"b\\c/\b\f\n\r\t\u0000\u001f"# + "\u{7F}é😀\"")
  }

  @Test func writerAndScanner_AreInverse_WhenTextIsRandom() throws {
    let random = SeededRandom(7)
    for length in 0..<300 {
      var text = ""
      for _ in 0..<length {
        let bound: UInt64 = random.next(below: 2) == 0 ? 0x80 : 0x1_1000
        text.unicodeScalars.append(Unicode.Scalar(UInt32(random.next(below: bound))) ?? "\u{FFFD}")
      }
      var out: [UInt8] = []
      JSONWriter.appendString(text, to: &out)
      let decoded = try out.withUnsafeBytes { bytes in
        var scanner = JSONScanner(bytes)
        let slice = try scanner.value()
        try scanner.finish()
        return JSONScanner.decode(slice, in: bytes)
      }
      #expect(decoded == Array(text.utf8))
    }
  }
}

@Suite struct JSONValueTests {
  @Test func tree_GivesMembers_InOrderAndByName() throws {
    let text = #"{"b":[1,-2.50,"x"],"a":{"t":true,"n":null,"f":false},"big":12345678901234567890}"#
    let value = try JSONValue(parsing: Array(text.utf8))
    #expect(String(decoding: value.serialized(), as: UTF8.self) == text)
    #expect(value["b"]?.arrayValue?.count == 3)
    #expect(value["b"]?.arrayValue?[1] == .number("-2.50"))
    #expect(value["a"]?["t"]?.boolValue == true)
    #expect(value["a"]?["n"] == .null)
    #expect(value["big"]?.intValue == nil)
    #expect(value["none"] == nil)
    #expect(value.objectValue?.map(\.0) == ["b", "a", "big"])
  }

  @Test func tree_RefusesRepeatedKeys_HoweverTheyAreSpelled() {
    #expect(throws: JSONError(offset: 13, reason: "repeated key")) {
      try JSONValue(parsing: Array(#"[{"x":{"ab":1,"a\u0062":2}}]"#.utf8.dropFirst().dropLast()))
    }
    // Equal only canonically: two different keys on the wire.
    #expect(throws: Never.self) { try JSONValue(parsing: Array("{\"e\u{301}\":1,\"\u{E9}\":2}".utf8)) }
  }
}
