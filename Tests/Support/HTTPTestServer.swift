// A real HTTP server on a port of its own, answering with a closure: for the tests of both sides of the transport.

import EventLoop
import HTTPModel
import HTTPTransport
import HTTPTypes
import Synchronization

package struct ClosureHandler: HTTPHandler {
  package let answer: @Sendable (Request) async -> Response

  package init(_ answer: @escaping @Sendable (Request) async -> Response) { self.answer = answer }

  package func handle(_ request: Request) async -> Response { await answer(request) }

  package func refuse(_ refusal: Refusal, requestID: String) -> Response {
    Response(
      status: HTTPResponse.Status(code: refusal.status),
      fields: FieldBlock().adding(.contentType, "text/plain"), body: .bytes(Array(refusal.reason.utf8)))
  }
}

/// Keeps every exchange that ended, and the number of open connections.
package final class RecordingObserver: ExchangeObserver {
  private let state = Mutex((exchanges: [Exchange](), connections: 0))

  package init() {}

  package func exchangeEnded(_ exchange: Exchange) { state.withLock { $0.exchanges.append(exchange) } }

  package func connectionsChanged(by change: Int) { state.withLock { $0.connections += change } }

  package var exchanges: [Exchange] { state.withLock { $0.exchanges } }

  package var connections: Int { state.withLock { $0.connections } }
}

package final class HTTPTestServer: Sendable {
  package let group: EventLoopGroup
  package let server: HTTPServer
  package let port: Int

  package init(
    loops: Int = 1, settings: HTTPServerSettings = HTTPServerSettings(), observer: (any ExchangeObserver)? = nil,
    _ answer: @escaping @Sendable (Request) async -> Response
  ) async throws {
    group = try EventLoopGroup(count: loops, name: "test")
    server = HTTPServer(group: group, handler: ClosureHandler(answer), observer: observer, settings: settings)
    guard let address = SocketAddress("127.0.0.1:0") else { throw SystemError("address", 22) }
    port = try await server.listen(on: address).port
  }

  package func connect(receiveBytes: Int32? = nil) throws -> SocketPeer {
    try SocketPeer.connect(port: port, receiveBytes: receiveBytes)
  }

  /// Sends `input` on one connection and returns all that comes until the server closes.
  package func exchange(_ input: [UInt8], endsInput: Bool = false) async throws -> String {
    let peer = try connect()
    return try await SocketThread.run {
      // The server may close before it has read all: what it said by then is what counts.
      try? peer.send(input)
      if endsInput { peer.shutDownWriting() }
      return String(decoding: try peer.receiveToEnd(resetIsEnd: true), as: UTF8.self)
    }
  }

  package func stop() async {
    await server.drain(within: .seconds(2))
    group.stop()
  }
}

/// Starts a server, runs `body` with it and stops it.
@discardableResult
package func withHTTPServer<Result: Sendable>(
  loops: Int = 1, settings: HTTPServerSettings = HTTPServerSettings(), observer: (any ExchangeObserver)? = nil,
  answer: @escaping @Sendable (Request) async -> Response, _ body: (HTTPTestServer) async throws -> Result
) async throws -> Result {
  let server = try await HTTPTestServer(loops: loops, settings: settings, observer: observer, answer)
  do {
    let result = try await body(server)
    await server.stop()
    return result
  } catch {
    await server.stop()
    throw error
  }
}
