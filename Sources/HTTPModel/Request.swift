// What a handler gets: head, body stream and what is known of the connection.

import HTTPTypes
import Primitives

package struct Request: Sendable {
  package let head: RequestHead
  package let body: any RequestBody
  package let connection: ConnectionInfo
  /// The caller's `X-Request-Id` where it is valid, else a new `req_...`; sent back with every response.
  package let id: String

  package init(head: RequestHead, body: any RequestBody, connection: ConnectionInfo, id: String) {
    self.head = head
    self.body = body
    self.connection = connection
    self.id = id
  }
}

package struct ConnectionInfo: Sendable {
  /// Textual address of the peer, without the port.
  package let clientAddress: String
  package let isTLS: Bool

  package init(clientAddress: String, isTLS: Bool) {
    self.clientAddress = clientAddress
    self.isTLS = isTLS
  }
}

/// Why a body could not be read. The transport closes the connection after the reply to such a request.
package enum BodyError: Error, Equatable, Sendable {
  /// Longer than the reader's bound: declared so, or found while reading.
  case tooLarge(limit: Int)
  /// The peer went away, or the framing broke, before the end.
  case truncated
  /// `body_seconds` passed before the end.
  case timedOut
  /// The chunked framing is broken.
  case malformed(String)
  /// The process's `buffered_bytes` are used up.
  case overloaded
}

/// The body of one request, read once, on the connection's own loop. Unread input stays in the socket: reading is the
/// demand.
package protocol RequestBody: AnyObject, Sendable {
  /// From Content-Length; nil for a chunked body; 0 where there is none.
  var declaredLength: Int? { get }

  /// The next piece as it arrived, or nil at the end.
  func next() async throws -> [UInt8]?

  /// Waits for the whole body and lends it, in the socket's buffer where it fits there, without a copy.
  /// Throws `BodyError.tooLarge` before reading when the declared length is above `maxBytes`.
  func withWhole<R: Sendable>(maxBytes: Int, _ use: @Sendable (UnsafeRawBufferPointer) throws -> R) async throws -> R
}

extension RequestBody {
  package func collect(maxBytes: Int) async throws -> [UInt8] {
    try await withWhole(maxBytes: maxBytes) { [UInt8]($0) }
  }
}

/// A body that is already in memory, for tests and for requests without one.
package final class BufferedBody: RequestBody {
  private let bytes: [UInt8]
  package var declaredLength: Int? { bytes.count }

  package init(_ bytes: [UInt8] = []) { self.bytes = bytes }

  package func next() async throws -> [UInt8]? { bytes.isEmpty ? nil : bytes }

  package func withWhole<R: Sendable>(
    maxBytes: Int, _ use: @Sendable (UnsafeRawBufferPointer) throws -> R
  ) async throws -> R {
    guard bytes.count <= maxBytes else { throw BodyError.tooLarge(limit: maxBytes) }
    return try bytes.withUnsafeBytes { try use($0) }
  }
}
