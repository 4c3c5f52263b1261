// What a handler gives back. Field lines are serialized as they are added: a response is built once and sent once.

import HTTPTypes
import Primitives

package struct Response: Sendable {
  package var status: HTTPResponse.Status
  package var fields: FieldBlock
  package var body: ResponseBody
  /// For the access log and metrics.
  package var notes: ExchangeNotes

  package init(
    status: HTTPResponse.Status, fields: FieldBlock = FieldBlock(), body: ResponseBody = .none,
    notes: ExchangeNotes = ExchangeNotes()
  ) {
    self.status = status
    self.fields = fields
    self.body = body
    self.notes = notes
  }
}

package enum ResponseBody: Sendable {
  case none
  case bytes([UInt8])
  /// Written while it is produced. With `length` the body is framed by Content-Length, else chunked (or by close on
  /// HTTP/1.0). A throw after the first byte ends the connection without the last chunk, so the reader sees the
  /// truncation.
  case stream(length: Int?, @Sendable (any ResponseWriter) async throws -> Void)
}

package protocol ResponseWriter: Sendable {
  /// Queues the bytes and returns when the connection's unsent output is below its bound; throws when the peer is gone.
  func write(_ bytes: [UInt8]) async throws
}

/// What only the handler knows of an exchange, carried with its response to whoever logs and counts it.
package struct ExchangeNotes: Sendable {
  /// The route's template, a bounded label: `unmatched` where there is none.
  package var route: String = "unmatched"
  /// The place of `route` in whatever counts by route, so that nobody looks it up by name; 0 is `unmatched`.
  package var routeIndex: Int = 0
  package var principal: String?

  package init(route: String = "unmatched", routeIndex: Int = 0, principal: String? = nil) {
    self.route = route
    self.routeIndex = routeIndex
    self.principal = principal
  }
}

/// Field lines in wire form, `Name: value\r\n` each. Length, connection and the fields that every response has are the
/// transport's.
package struct FieldBlock: Sendable {
  package private(set) var bytes: [UInt8] = []

  package init() {}

  /// Lines that are in wire form already, each ended by CR LF: for fixed fields, and for values known to hold no
  /// control characters.
  package init(serialized lines: [UInt8]) { bytes = lines }

  /// Adds a line. Bytes that would end or split the line (controls) become spaces: a value can never make a second
  /// field.
  package mutating func add(_ name: HTTPField.Name, _ value: String) {
    var rawName = name.rawName
    var value = value
    rawName.withUTF8 { bytes.append(contentsOf: $0) }
    bytes.append(0x3A)
    bytes.append(0x20)
    value.withUTF8 { value in
      let start = bytes.count
      bytes.append(contentsOf: value)
      for index in start..<bytes.count where bytes[index] < 0x20 || bytes[index] == 0x7F { bytes[index] = 0x20 }
    }
    bytes.append(0x0D)
    bytes.append(0x0A)
  }

  package func adding(_ name: HTTPField.Name, _ value: String) -> FieldBlock {
    var copy = self
    copy.add(name, value)
    return copy
  }

  /// The first value of that name; for tests and decorators, not for the hot path.
  package subscript(name: HTTPField.Name) -> String? {
    for line in String(decoding: bytes, as: UTF8.self).split(separator: "\r\n") {
      guard let colon = line.firstIndex(of: ":") else { continue }
      if line[..<colon].lowercased() == name.canonicalName { return String(line[colon...].dropFirst(2)) }
    }
    return nil
  }
}
