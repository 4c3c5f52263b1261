// One connection to an origin: connects, checks the certificate, then carries one exchange after the other. Of the
// loop's thread alone.

import EventLoop
import HTTPModel

final class ClientConnection: ConnectionDelegate, @unchecked Sendable {
  let origin: Origin
  private let pool: ClientPool
  private(set) var connection: Connection?
  private var connector: Connector?
  private var exchange: ClientExchange?
  private var idleTimer: LoopTimer?
  private var connectTimer: LoopTimer?
  private var isSecured = false
  private var isClosed = false

  /// Input that is held for a reader which is slower than the peer, and output at which a sender is asked for more.
  private static let readBound = 64 * 1024
  static let drainMark = 128 * 1024

  init(pool: ClientPool, origin: Origin) {
    self.pool = pool
    self.origin = origin
  }

  func connect(for exchange: ClientExchange) {
    self.exchange = exchange
    exchange.isWaiting(on: self)
    let timeout = pool.settings.connectTimeout
    connectTimer = LoopTimer(loop: pool.loop) { [unowned self] in
      failConnect(.connectFailed("\(origin.hostField): no connection within \(timeout)"))
    }
    connectTimer?.arm(after: timeout)
    connector = Connector(
      loop: pool.loop, host: origin.host, port: origin.port, timeout: timeout,
      onConnected: { [unowned self] socket in connected(socket) },
      onFailure: { [unowned self] failure in failConnect(error(failure)) })
  }

  private func error(_ failure: ConnectFailure) -> HTTPClientError {
    switch failure {
    case .nameNotResolved(let reason): .nameNotResolved("\(origin.host): \(reason)")
    case .notConnected(let reason): .connectFailed(reason)
    case .timedOut: .connectFailed("\(origin.hostField): timed out")
    }
  }

  private func connected(_ socket: consuming ConnectedSocket) {
    connector = nil
    do {
      let session = origin.isTLS ? try pool.tls.session(host: origin.host) : nil
      let made = try Connection(loop: pool.loop, socket: socket, tls: session, readBound: Self.readBound)
      made.delegate = self
      made.setDrainMark(Self.drainMark)
      connection = made
      if !origin.isTLS { ready() }
    } catch let error as TLSError {
      failConnect(.tlsFailed(error.reason))
    } catch {
      failConnect(.connectFailed("\(error)"))
    }
  }

  private func ready() {
    isSecured = true
    connectTimer?.cancel()
    guard let exchange else { return pool.release(self) }
    exchange.start(on: self, isReused: false)
  }

  private func failConnect(_ error: HTTPClientError) {
    let failed = exchange
    exchange = nil
    close()
    failed?.fail(error)
  }

  // MARK: Exchanges

  /// Carries `exchange` on a connection that was used before.
  func run(_ exchange: ClientExchange) {
    idleTimer?.cancel()
    self.exchange = exchange
    exchange.start(on: self, isReused: true)
  }

  /// The exchange is at its end; `isReusable` where the connection can carry another.
  func exchangeEnded(isReusable: Bool) {
    exchange = nil
    guard isReusable, let connection, connection.isOpen, connection.inputLength == 0, connection.outputLength == 0
    else {
      return close()
    }
    connection.resumeReading()
    pool.release(self)
  }

  func becomeIdle() {
    if idleTimer == nil { idleTimer = LoopTimer(loop: pool.loop) { [unowned self] in close() } }
    idleTimer?.arm(after: pool.settings.idleTimeout)
  }

  func close() {
    guard !isClosed else { return }
    isClosed = true
    connector?.cancel()
    connector = nil
    connectTimer?.cancel()
    idleTimer?.cancel()
    connection?.close()
    let cut = exchange
    exchange = nil
    pool.closed(self)
    cut?.fail(HTTPClientError.connectionLost(requestSent: isSecured))
  }

  // MARK: Callbacks

  func connectionSecured(_ connection: Connection) { ready() }

  func connectionReceived(_ connection: Connection) {
    // Bytes that nobody asked for: whatever they are, the next reply must not be read from them.
    guard let exchange else { return close() }
    exchange.received()
  }

  func connectionDrained(_ connection: Connection) { exchange?.drained() }

  func connectionEnded(_ connection: Connection, _ end: ConnectionEnd) {
    if !isSecured {
      switch end {
      case .untrusted(let reason): failConnect(.tlsFailed("\(origin.hostField): \(reason)"))
      case .failed(let reason): failConnect(.connectFailed("\(origin.hostField): TLS handshake: \(reason)"))
      default: failConnect(.connectFailed("\(origin.hostField): closed during the TLS handshake"))
      }
    } else if let exchange {
      exchange.connectionEnded(isProper: end == .endOfInput)
    } else {
      close()
    }
  }
}
