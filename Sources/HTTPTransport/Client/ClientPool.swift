// The connections of one loop, by origin: bounded, the most recently used first, the unused closed after a time. Of
// the loop's thread alone.

import EventLoop
import HTTPModel

final class ClientPool: @unchecked Sendable {
  let loop: EventLoop
  let settings: HTTPClientSettings
  let tls: TLSClientContext
  let output = OutputBuffer()

  private let connectionsPerOrigin: Int
  private var origins: [Origin: OriginState] = [:]
  private var isClosed = false

  private struct OriginState {
    /// Ready for a request; the last one was used last.
    var idle: [ClientConnection] = []
    var open: [ClientConnection] = []
    var waiting: [ClientExchange] = []
  }

  init(loop: EventLoop, settings: HTTPClientSettings, connectionsPerOrigin: Int, tls: TLSClientContext) {
    self.loop = loop
    self.settings = settings
    self.connectionsPerOrigin = connectionsPerOrigin
    self.tls = tls
  }

  /// Gives `exchange` a connection, now or when one is free. `fresh`: none that was used before.
  func serve(_ exchange: ClientExchange, fresh: Bool = false) {
    guard !isClosed else { return exchange.fail(HTTPClientError.connectFailed("the client is shut down")) }
    let origin = exchange.request.origin
    if !fresh, let idle = origins[origin, default: OriginState()].idle.popLast() {
      return idle.run(exchange)
    }
    if origins[origin, default: OriginState()].open.count >= connectionsPerOrigin {
      // An idle one of an exchange that wants a fresh one makes room for it.
      guard fresh, let idle = origins[origin]?.idle.first else {
        origins[origin]?.waiting.append(exchange)
        return
      }
      idle.close()
    }
    let connection = ClientConnection(pool: self, origin: origin)
    origins[origin, default: OriginState()].open.append(connection)
    connection.connect(for: exchange)
  }

  /// `exchange` no longer wants a connection.
  func forget(_ exchange: ClientExchange) {
    origins[exchange.request.origin]?.waiting.removeAll { $0 === exchange }
  }

  /// The connection has carried its reply to the end and can carry another.
  func release(_ connection: ClientConnection) {
    if origins[connection.origin]?.waiting.isEmpty == false,
      let next = origins[connection.origin]?.waiting.removeFirst()
    {
      return connection.run(next)
    }
    origins[connection.origin]?.idle.append(connection)
    connection.becomeIdle()
  }

  func closed(_ connection: ClientConnection) {
    let origin = connection.origin
    origins[origin]?.open.removeAll { $0 === connection }
    origins[origin]?.idle.removeAll { $0 === connection }
    guard let state = origins[origin] else { return }
    if let next = state.waiting.first {
      origins[origin]?.waiting.removeFirst()
      serve(next)
    } else if state.open.isEmpty {
      origins[origin] = nil
    }
  }

  func closeAll() {
    isClosed = true
    let all = origins.values
    for state in all {
      for exchange in state.waiting { exchange.fail(HTTPClientError.connectFailed("the client is shut down")) }
      for connection in state.open { connection.close() }
    }
    origins = [:]
  }
}
