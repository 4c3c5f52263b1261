// A TCP proxy between a client and its server that does what networks do: refuses, stays silent, delays, resets or cuts
// at a byte, or answers in the server's place. The fault is chosen for each connection by a closure, so a seeded
// schedule is a closure over its generator. Blocking, on threads of its own.

import Glibc
import Synchronization

package final class FaultProxy: Sendable {
  package enum Fault: Sendable, Equatable {
    case none
    /// Resets at once, before a byte of the request is read.
    case refuse
    /// Accepts and never answers.
    case silent
    /// Forwards, but waits before each piece of the reply.
    case delay(milliseconds: UInt32)
    /// Resets both sides after so many bytes of the request were forwarded.
    case resetRequest(after: Int)
    /// Resets the client after so many bytes of the reply.
    case resetReply(after: Int)
    /// Closes the client properly, by TCP, after so many bytes of the reply.
    case cutReply(after: Int)
    /// Lets the server have the whole request and loses its reply.
    case loseReply
    /// Answers every request's first bytes with this reply instead of forwarding anything.
    case reply(String)
    /// Takes the request field lines of that name (lower case) out of the first piece of the request.
    case stripField(String)
  }

  package let port: Int
  private let server: SocketServer
  private let state: State

  /// What the connections' threads share.
  private final class State: Sendable {
    let counts = Mutex((connections: 0, faults: 0))
  }

  /// Forwards to `upstreamPort` of 127.0.0.1. `choose` gets the number of the connection, from 0.
  package init(upstreamPort: Int, choose: @escaping @Sendable (Int) -> Fault) throws {
    let state = State()
    self.state = state
    server = try SocketServer { client, index in
      let fault = choose(index)
      state.counts.withLock { counts in
        counts.connections += 1
        if fault != .none { counts.faults += 1 }
      }
      try FaultProxy.carry(client, to: upstreamPort, fault)
    }
    port = server.port
  }

  package var connections: Int { state.counts.withLock { $0.connections } }
  package var faults: Int { state.counts.withLock { $0.faults } }

  package func stop() { server.stop() }

  private static func carry(_ client: SocketPeer, to upstreamPort: Int, _ fault: Fault) throws {
    switch fault {
    case .refuse: return client.reset()
    case .silent:
      while !(try client.receive(resetIsEnd: true)).isEmpty {}
      return client.close()
    case .reply(let text):
      if !(try client.receive()).isEmpty { try client.send(text) }
      return client.close()
    default: break
    }
    let upstream = try SocketPeer.connect(port: upstreamPort)
    SocketThread.start {
      try? forwardRequest(from: client, to: upstream, fault)
      upstream.shutDownWriting()
    }
    try? forwardReply(from: upstream, to: client, fault)
    client.close()
    upstream.close()
  }

  private static func forwardRequest(from client: SocketPeer, to upstream: SocketPeer, _ fault: Fault) throws {
    var forwarded = 0
    while true {
      var piece = try client.receive(resetIsEnd: true)
      if piece.isEmpty { return }
      if case .stripField(let name) = fault, forwarded == 0 { piece = without(name, piece) }
      if case .resetRequest(let limit) = fault, forwarded + piece.count >= limit {
        try upstream.send(Array(piece.prefix(limit - forwarded)))
        upstream.reset()
        return client.reset()
      }
      try upstream.send(piece)
      forwarded += piece.count
    }
  }

  private static func forwardReply(from upstream: SocketPeer, to client: SocketPeer, _ fault: Fault) throws {
    var forwarded = 0
    while true {
      let piece = try upstream.receive(resetIsEnd: true)
      if piece.isEmpty { return }
      switch fault {
      case .delay(let milliseconds): poll(nil, 0, Int32(milliseconds))
      case .loseReply: return client.reset()
      case .resetReply(let limit) where forwarded + piece.count >= limit:
        try client.send(Array(piece.prefix(limit - forwarded)))
        return client.reset()
      case .cutReply(let limit) where forwarded + piece.count >= limit:
        return try client.send(Array(piece.prefix(limit - forwarded)))
      default: break
      }
      try client.send(piece)
      forwarded += piece.count
    }
  }

  private static func without(_ name: String, _ piece: [UInt8]) -> [UInt8] {
    let text = String(decoding: piece, as: UTF8.self)
    let lines = text.split(separator: "\r\n", omittingEmptySubsequences: false)
    return Array(lines.filter { !$0.lowercased().hasPrefix("\(name):") }.joined(separator: "\r\n").utf8)
  }
}
