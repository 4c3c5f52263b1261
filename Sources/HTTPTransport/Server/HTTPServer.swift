// One HTTP/1.1 server on all loops of a group: a listener a loop on the same port, one set of bounds for all of them.

import EventLoop
import HTTPModel
import Primitives
import Synchronization

package final class HTTPServer: Sendable {
  /// What the server is made of, handed to each of its loops.
  struct Parts: Sendable {
    let handler: any HTTPHandler
    let observer: (any ExchangeObserver)?
    let settings: HTTPServerSettings
    let clock: any Clock
    let random: any RandomSource
    let budget: BufferBudget
    let limit: ConnectionLimit
  }

  private let group: EventLoopGroup
  private let parts: Parts
  private let serverLoops: [ServerLoop]
  private let onShortage: @Sendable (String) -> Void

  /// `onShortage` is told, at most once a second and listener, on a loop's thread, that the system is out of
  /// descriptors.
  package init(
    group: EventLoopGroup, handler: any HTTPHandler, observer: (any ExchangeObserver)? = nil,
    settings: HTTPServerSettings = HTTPServerSettings(), clock: any Clock = SystemClock(),
    random: any RandomSource = SystemRandom(), onShortage: (@Sendable (String) -> Void)? = nil
  ) {
    let parts = Parts(
      handler: handler, observer: observer, settings: settings, clock: clock, random: random,
      budget: BufferBudget(limit: settings.bufferedBytes), limit: ConnectionLimit(maximum: settings.connections))
    self.group = group
    self.parts = parts
    self.onShortage = onShortage ?? { _ in }
    serverLoops = group.loops.map { ServerLoop(loop: $0, server: parts) }
  }

  package var openConnections: Int { parts.limit.current }

  /// Bytes of bodies and unsent replies in memory.
  package var bufferedBytes: Int { parts.budget.current }

  /// Listens on `address` with every loop and returns the bound address, with the real port where port 0 was asked
  /// for. May be called again for further addresses.
  package func listen(on address: SocketAddress) async throws(SystemError) -> SocketAddress {
    let sharesPort = serverLoops.count > 1
    if sharesPort { try ListeningSocket.checkFree(address) }
    let first = try ListeningSocket.tcp(address, sharesPort: sharesPort)
    let bound = first.address
    var listeners = [listener(first, on: serverLoops[0])]
    for serverLoop in serverLoops.dropFirst() {
      listeners.append(listener(try ListeningSocket.tcp(bound, sharesPort: true), on: serverLoop))
    }
    // All or none: nothing is accepted before every loop has its socket.
    for (serverLoop, listener) in zip(serverLoops, listeners) {
      await serverLoop.loop.run { serverLoop.listen(listener) }
    }
    return bound
  }

  private func listener(_ socket: consuming ListeningSocket, on serverLoop: ServerLoop) -> Listener {
    Listener(
      socket: socket, loop: serverLoop.loop, limit: parts.limit, onAccept: { serverLoop.accepted($0) },
      onShortage: onShortage)
  }

  /// Stops accepting, lets every request that has begun finish with `Connection: close`, closes the idle connections,
  /// and returns when the last is gone. What is still open after `limit` is cut.
  package func drain(within limit: Duration) async {
    for serverLoop in serverLoops { await serverLoop.loop.run { serverLoop.beginDrain() } }
    await withTaskGroup(of: Void.self) { tasks in
      for serverLoop in serverLoops { tasks.addTask { await serverLoop.drained(within: limit) } }
    }
  }
}
