// The seam of the client side: S3, credentials and (later) JWKS and webhooks see only this.

import HTTPTypes
import Primitives

package struct ClientRequest: Sendable {
  package var method: HTTPRequest.Method
  package var origin: Origin
  /// Path and query exactly as they go on the wire, percent-encoded by the caller.
  package var target: String
  /// Host, Content-Length, Transfer-Encoding and Connection are the transport's; `host` here overrides the Host field's
  /// value.
  package var fields: [(name: HTTPField.Name, value: String)]
  package var body: ClientBody

  package init(
    method: HTTPRequest.Method, origin: Origin, target: String, fields: [(name: HTTPField.Name, value: String)] = [],
    body: ClientBody = .none
  ) {
    self.method = method
    self.origin = origin
    self.target = target
    self.fields = fields
    self.body = body
  }
}

/// Where a connection goes: also the key of the connection pool.
package struct Origin: Sendable, Hashable {
  package var isTLS: Bool
  package var host: String
  package var port: Int

  package init(isTLS: Bool, host: String, port: Int) {
    self.isTLS = isTLS
    self.host = host
    self.port = port
  }

  /// The Host field's value: the port only where it is not the scheme's own.
  package var hostField: String {
    let literal = host.contains(":") ? "[\(host)]" : host
    return port == (isTLS ? 443 : 80) ? literal : "\(literal):\(port)"
  }
}

package enum ClientBody: Sendable {
  case none
  case bytes([UInt8])
  /// `length` bytes, pulled piece by piece as the socket takes them; nil ends it.
  case stream(length: Int, @Sendable () async throws -> [UInt8]?)
}

package struct ClientResponse: Sendable {
  package let status: Int
  package let fields: HTTPFields
  /// Must be read to its end or cancelled, so that the connection returns to the pool or closes.
  package let body: any ClientResponseBody

  package init(status: Int, fields: HTTPFields, body: any ClientResponseBody) {
    self.status = status
    self.fields = fields
    self.body = body
  }
}

package protocol ClientResponseBody: Sendable {
  /// The next piece, nil at the proper end; throws where the peer closed early.
  func next() async throws -> [UInt8]?
  /// Gives the connection up.
  func cancel()
}

extension ClientResponseBody {
  /// The whole body, or a throw when it is longer than `maxBytes`.
  package func collect(maxBytes: Int) async throws -> [UInt8] {
    var whole: [UInt8] = []
    while let piece = try await next() {
      guard whole.count + piece.count <= maxBytes else {
        cancel()
        throw HTTPClientError.responseTooLarge(limit: maxBytes)
      }
      if whole.isEmpty { whole = piece } else { whole.append(contentsOf: piece) }
    }
    return whole
  }
}

package enum HTTPClientError: Error, Equatable, Sendable {
  /// No address for the host, with the resolver's words.
  case nameNotResolved(String)
  /// Refused, unreachable or timed out before a connection stood.
  case connectFailed(String)
  /// The TLS handshake or the certificate check failed, with the reason.
  case tlsFailed(String)
  /// The connection broke. `requestSent` is false when no byte of the request can have reached the peer.
  case connectionLost(requestSent: Bool)
  case deadlineExceeded
  /// The reply breaks HTTP/1.1, with what was wrong.
  case malformedResponse(String)
  case responseTooLarge(limit: Int)
}

package protocol HTTPClient: Sendable {
  /// Sends and waits for the head of the reply. `deadline` bounds everything up to the last body byte.
  func send(_ request: ClientRequest, deadline: Duration) async throws -> ClientResponse
}
