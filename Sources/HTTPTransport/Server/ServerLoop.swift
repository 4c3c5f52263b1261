// What the connections of one loop share: settings, the output buffer, the Date line, the source of request ids, and
// the list of who is open. Of the loop's thread alone.

import EventLoop
import HTTPModel
import Primitives

final class ServerLoop: @unchecked Sendable {
  let loop: EventLoop
  let settings: HTTPServerSettings
  let handler: any HTTPHandler
  let observer: (any ExchangeObserver)?
  let budget: BufferBudget
  let output = OutputBuffer()
  private(set) var isDraining = false

  private let clock: any Clock
  private let limit: ConnectionLimit
  private var ids: RequestIDs
  private var connections: [ObjectIdentifier: ServerConnection] = [:]
  private var listeners: [Listener] = []
  private var onEmpty: UnsafeContinuation<Void, Never>?

  private var commonLines: [UInt8] = []
  private var commonLinesEnd: Int64 = .min

  /// How long a connection without a request may still send one when the server drains: a request that is on its way
  /// gets its reply.
  private static let drainGraceNanoseconds: Int64 = 100_000_000

  init(loop: EventLoop, server: HTTPServer.Parts) {
    self.loop = loop
    settings = server.settings
    handler = server.handler
    observer = server.observer
    budget = server.budget
    limit = server.limit
    clock = server.clock
    ids = RequestIDs(server.random)
  }

  func now() -> Int64 { clock.monotonicNanoseconds() }

  func nextRequestID() -> String { ids.next() }

  /// The lines that every reply has. The date is made once a second: `now` is a time that the caller has read anyway.
  @inline(__always)
  func commonFields(now: Int64) -> [UInt8] {
    if now >= commonLinesEnd { refreshCommonFields(now) }
    return commonLines
  }

  private func refreshCommonFields(_ now: Int64) {
    let wall = clock.wallNanoseconds()
    let seconds = wall.quotientFlooring(1_000_000_000)
    commonLines = Array("Date: \(HTTPDate.string(seconds: seconds))\r\nX-Content-Type-Options: nosniff\r\n".utf8)
    commonLinesEnd = now + (seconds + 1) * 1_000_000_000 - wall
  }

  // MARK: Connections

  func listen(_ listener: Listener) {
    listeners.append(listener)
    listener.start()
  }

  func accepted(_ socket: consuming ConnectedSocket) {
    let made: ServerConnection
    do {
      made = try ServerConnection(socket: socket, server: self)
    } catch {
      return limit.giveBack()
    }
    connections[ObjectIdentifier(made)] = made
    observer?.connectionsChanged(by: 1)
    made.start()
  }

  /// The connection's socket is closed.
  func closed(_ connection: ServerConnection) {
    guard connections.removeValue(forKey: ObjectIdentifier(connection)) != nil else { return }
    limit.giveBack()
    observer?.connectionsChanged(by: -1)
    if connections.isEmpty {
      onEmpty?.resume()
      onEmpty = nil
    }
  }

  /// When a connection that is idle at `now` is closed.
  func idleDeadline(_ now: Int64) -> Int64 {
    now.addingSaturated(isDraining ? Self.drainGraceNanoseconds : settings.idleTimeout.wholeNanoseconds)
  }

  // MARK: Drain

  func beginDrain() {
    isDraining = true
    for listener in listeners { listener.stop() }
    listeners = []
    for connection in connections.values { connection.drainBegan() }
  }

  /// Returns when no connection is left; cuts those that are left after `limit`.
  func drained(within limit: Duration) async {
    let cut = loop.schedule(after: limit) { self.cutAll() }
    await withUnsafeContinuation { (continuation: UnsafeContinuation<Void, Never>) in
      loop.execute {
        if self.connections.isEmpty { continuation.resume() } else { self.onEmpty = continuation }
      }
    }
    cut.cancel()
  }

  private func cutAll() {
    for connection in connections.values { connection.abort() }
  }
}

extension Int64 {
  func quotientFlooring(_ divisor: Int64) -> Int64 {
    let (quotient, remainder) = quotientAndRemainder(dividingBy: divisor)
    return remainder < 0 ? quotient - 1 : quotient
  }

  func addingSaturated(_ other: Int64) -> Int64 {
    let (sum, overflow) = addingReportingOverflow(other)
    return overflow ? .max : sum
  }
}
