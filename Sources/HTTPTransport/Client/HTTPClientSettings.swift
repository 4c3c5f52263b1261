// The bounds of one client.

package struct HTTPClientSettings: Sendable {
  /// Most connections to one origin, idle ones included; further requests wait for one within their deadline.
  package var connectionsPerOrigin = 64
  /// An unused connection is closed after this time.
  package var idleTimeout: Duration = .seconds(30)
  /// Name resolution, connect and TLS handshake together.
  package var connectTimeout: Duration = .seconds(10)
  /// PEM file of the authorities that are trusted instead of the system's.
  package var caFile: String?
  /// Longest head of a reply.
  package var headBytes = 64 * 1024
  /// Most fields of a reply.
  package var headers = 256

  package init() {}
}
