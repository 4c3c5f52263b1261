// What the JSON scanner hands out: places in the caller's buffer, never copies.

package enum JSONKind: UInt8, Sendable {
  case string, number, object, array, `true`, `false`, null
}

/// The place of one JSON value in the scanned buffer, `start ..< end`, the quotes of a string included.
package struct JSONSlice: Sendable {
  package var start: Int
  package var end: Int
  package var kind: JSONKind
  /// A string with a backslash in it: its content has to be decoded before it means anything.
  package var hasEscapes: Bool

  package init(start: Int, end: Int, kind: JSONKind, hasEscapes: Bool = false) {
    self.start = start
    self.end = end
    self.kind = kind
    self.hasEscapes = hasEscapes
  }

  /// Quotes included.
  package var range: Range<Int> { start..<end }

  /// A string without its quotes; any other value whole.
  package var content: Range<Int> { kind == .string ? start + 1..<end - 1 : start..<end }
}

package struct JSONError: Error, Sendable, Equatable {
  /// Byte offset of the first byte that cannot be; the buffer's length where more bytes were needed.
  package var offset: Int
  /// Short English, without any of the input.
  package var reason: String

  package init(offset: Int, reason: String) {
    self.offset = offset
    self.reason = reason
  }
}
