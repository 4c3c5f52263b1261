// The head of one HTTP/1.1 request: a single owned copy of its bytes and the places of its parts in them. Nothing
// becomes a String until somebody asks, because most fields of most requests are never looked at.

import HTTPTypes
import Primitives

/// The version in a request line. Other versions never get past the parser.
package enum HTTPVersion: Sendable {
  case http10
  case http11
}

/// The places of one field in the head's bytes: `nameStart..<nameEnd`, `valueStart..<valueEnd` (value trimmed of spaces
/// and tabs).
package struct FieldPlace: Sendable, Equatable {
  package var nameStart: UInt32
  package var nameEnd: UInt32
  package var valueStart: UInt32
  package var valueEnd: UInt32

  package init(name: Range<Int>, value: Range<Int>) {
    nameStart = UInt32(name.lowerBound)
    nameEnd = UInt32(name.upperBound)
    valueStart = UInt32(value.lowerBound)
    valueEnd = UInt32(value.upperBound)
  }
}

package struct RequestHead: Sendable {
  /// The head as received, request line and fields.
  package let bytes: [UInt8]
  package let method: HTTPRequest.Method
  /// The path as sent, still percent-encoded, without the query.
  package let path: Range<Int>
  /// The query as sent, without the `?`; nil where there is no `?`.
  package let query: Range<Int>?
  package let version: HTTPVersion
  package let fields: [FieldPlace]

  package init(
    bytes: [UInt8], method: HTTPRequest.Method, path: Range<Int>, query: Range<Int>?, version: HTTPVersion,
    fields: [FieldPlace]
  ) {
    self.bytes = bytes
    self.method = method
    self.path = path
    self.query = query
    self.version = version
    self.fields = fields
  }

  package var pathString: String { String(decoding: bytes[path], as: UTF8.self) }

  package var queryString: String? { query.map { String(decoding: bytes[$0], as: UTF8.self) } }

  /// The value of the first field of that name, decoded as UTF-8; nil where there is none.
  package subscript(name: HTTPField.Name) -> String? {
    range(of: name).map { String(decoding: bytes[$0], as: UTF8.self) }
  }

  /// The values of all fields of that name, in order.
  package func values(of name: HTTPField.Name) -> [String] {
    fields.filter { matches($0, name.canonicalName) }.map { place in
      String(decoding: bytes[Int(place.valueStart)..<Int(place.valueEnd)], as: UTF8.self)
    }
  }

  /// The place of the first field's value, for callers that read bytes in place.
  package func range(of name: HTTPField.Name) -> Range<Int>? {
    let canonical = name.canonicalName
    for place in fields where matches(place, canonical) {
      return Int(place.valueStart)..<Int(place.valueEnd)
    }
    return nil
  }

  /// Field names are compared without regard to ASCII case (RFC 9110, 5.1); `canonical` is lower case already.
  private func matches(_ place: FieldPlace, _ canonical: String) -> Bool {
    let start = Int(place.nameStart)
    var canonical = canonical
    return canonical.withUTF8 { name in
      guard name.count == Int(place.nameEnd) - start else { return false }
      return bytes.withUnsafeBufferPointer { bytes in
        for index in 0..<name.count {
          let byte = bytes[start + index]
          let lower = byte &- 0x41 < 26 ? byte | 0x20 : byte
          if lower != name[index] { return false }
        }
        return true
      }
    }
  }
}
