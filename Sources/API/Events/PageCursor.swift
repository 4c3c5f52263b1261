// nextToken: base64url of
//
//   version  1 byte   1
//   key     32 bytes  instant, tie, id (high, low): 8 bytes each, little-endian: the last event of the page before
//   tag     16 bytes  first half of HMAC-SHA-256, keyed by the store's salt, over "callflow cursor", version, key
//                     and the query
//
// A position, not a handle: nothing is kept for it, it is valid on every node and after a restart, and at any depth.
// The tag ties it to its query and refuses invented ones. `limit` and `consistency` may change from page to page and
// are no part of it.

import Crypto
import EventStore
import Primitives

struct PageCursor {
  static let version: UInt8 = 1
  private static let keyLength = 32
  private static let tagLength = 16

  /// `salt`: the store's.
  private let salt: [UInt8]
  private let query: [UInt8]

  init(salt: [UInt8], query: EventQuery) {
    self.salt = salt
    self.query = Self.normalized(query)
  }

  func token(after key: EventKey) throws -> String {
    var bytes = [Self.version]
    bytes.appendLittle(key.instant)
    bytes.appendLittle(key.tie)
    bytes.appendLittle(key.id.high)
    bytes.appendLittle(key.id.low)
    return Base64URL.string(bytes + (try tag(bytes)))
  }

  /// nil: not a token of this query.
  func position(of token: String) throws -> EventKey? {
    let length = 1 + Self.keyLength
    guard let bytes = Base64URL.decode(token), bytes.count == length + Self.tagLength, bytes[0] == Self.version,
      ConstantTime.equal(Array(bytes[length...]), try tag(Array(bytes[..<length])))
    else { return nil }
    return try bytes.withUnsafeBytes { bytes in
      var reader = ByteReader(bytes, at: 1)
      let instant: Int64 = try reader.little()
      let tie: Int64 = try reader.little()
      return EventKey(
        instant: instant, tie: tie, id: EventID(high: try reader.little(), low: try reader.little()))
    }
  }

  private func tag(_ position: [UInt8]) throws -> [UInt8] {
    let message = Array("callflow cursor".utf8) + position + query
    return Array(try HMACSHA256.authenticate(message, key: salt).prefix(Self.tagLength))
  }

  /// Equal for equal questions, however they were written: each part with its length, types sorted and once.
  private static func normalized(_ query: EventQuery) -> [UInt8] {
    var bytes: [UInt8] = [query.order == .ascending ? 0 : 1]
    for bound in [query.start, query.end] {
      bytes.append(bound == nil ? 0 : 1)
      bytes.appendLittle(bound ?? 0)
    }
    bytes.append(query.callId == nil ? 0 : 1)
    append(query.callId ?? [], to: &bytes)
    for type in Set(query.eventTypes).sorted() { append(Array(type.utf8), to: &bytes) }
    return bytes
  }

  private static func append(_ part: [UInt8], to bytes: inout [UInt8]) {
    bytes.appendVarint(UInt64(part.count))
    bytes.append(contentsOf: part)
  }
}
