// The bounds of one server, with the contract's defaults (CONTRACT 2, `http.limits`).

package struct HTTPServerSettings: Sendable {
  /// Longest head of a request: request line and fields. Above: 414 in the request line, 431 in the fields.
  package var headBytes = 16 * 1024
  /// Most fields of a request, else 431.
  package var headers = 64
  /// Bodies and unsent replies that all connections of this server may hold at once.
  package var bufferedBytes = 128 * 1024 * 1024
  /// Open connections; beyond them the listeners pause.
  package var connections = 10_000
  /// Requests after which a connection is closed; 0 for no such bound.
  package var requestsPerConnection = 0
  /// From the first byte of a head to its end, else 408.
  package var headTimeout: Duration = .seconds(10)
  /// Waiting for the peer while a body is read, all together, else 408; and the time in which a peer must take
  /// `progressBytes` of a reply.
  package var bodyTimeout: Duration = .seconds(60)
  /// Without a request, then the connection is closed silently.
  package var idleTimeout: Duration = .seconds(75)
  /// Unsent output of one connection above which its writers wait and its next request is not read.
  package var outputBytes = 256 * 1024
  /// What is left of an unread body up to this length is skipped; a longer one ends the connection after the reply.
  package var skippedBodyBytes = 64 * 1024
  /// How long a closing connection waits for its peer to read the last reply and close.
  package var lingerTimeout: Duration = .seconds(2)

  package init() {}
}
