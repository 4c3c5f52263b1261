// Addresses, connectors, connections and listeners over real sockets.

import Glibc
import Primitives
import Synchronization
import TestSupport
import Testing

@testable import EventLoop

@Suite struct SocketAddressTests {
  @Test func numericAddresses_AreReadAndWritten() {
    for text in ["127.0.0.1:8080", "[::1]:0", "[2001:db8::1]:65535", "0.0.0.0:1"] {
      #expect(SocketAddress(text)?.description == text)
    }
    for text in [
      "localhost:80", "127.0.0.1", "::1:80", "[127.0.0.1]:80", "127.0.0.1:65536", "127.0.0.1:", "1.2.3:4", "",
    ] {
      #expect(SocketAddress(text) == nil, "\(text)")
    }
    #expect(SocketAddress("127.0.0.1:1")?.isLoopback == true && SocketAddress("10.0.0.1:1")?.isLoopback == false)
    #expect(SocketAddress("[::1]:5")?.with(port: 7).description == "[::1]:7")
  }
}

@Suite struct ConnectorTests {
  @Test func addresses_AlternateBetweenFamilies() throws {
    let found = ["[::1]:0", "[::2]:0", "[::3]:0", "127.0.0.1:0", "127.0.0.2:0"].compactMap { SocketAddress($0) }
    #expect(Connector.alternating(found).map(\.host) == ["::1", "127.0.0.1", "::2", "127.0.0.2", "::3"])
    #expect(Connector.alternating([]).isEmpty)
  }

  @Test func refusedAddress_IsAnErrorThatNamesIt() async throws {
    let closed = try SocketServer { _, _ in }
    closed.stop()
    try await withLoop { loop in
      let outcome = await connect(loop, "127.0.0.1", closed.port, timeout: .seconds(5))
      #expect(outcome == .failure(.notConnected("127.0.0.1:\(closed.port): Connection refused")))
    }
  }

  @Test func silentAddress_EndsAtTheDeadline() async throws {
    // A backlog that is full: the kernel drops further connection attempts.
    let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    defer { close(descriptor) }
    let port = try bindWithoutBacklog(descriptor)
    // A blocking connect returns when it is in the queue, which then is full.
    let filler = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    defer { close(filler) }
    let address = try #require(SocketAddress("127.0.0.1:\(port)"))
    #expect(address.withSockaddr { Glibc.connect(filler, $0, $1) } == 0)
    try await withLoop { loop in
      #expect(await connect(loop, "127.0.0.1", port, timeout: .milliseconds(80)) == .failure(.timedOut))
    }
  }

  @Test func unknownName_FailsWithTheResolversReason() async throws {
    try await withLoop { loop in
      guard case .failure(.nameNotResolved) = await connect(loop, "no-such-host.invalid", 80, timeout: .seconds(20))
      else {
        Issue.record("resolved")
        return
      }
    }
  }

  @Test func equalLookups_AreAnsweredTogether() async throws {
    let resolver = Resolver()
    await withTaskGroup(of: Bool.self) { tasks in
      for _ in 0..<50 {
        tasks.addTask {
          await withCheckedContinuation { continuation in
            resolver.resolve("localhost") { result in
              let hosts = (try? result.get().map(\.isLoopback)) ?? [false]
              continuation.resume(returning: hosts.allSatisfy { $0 })
            }
          }
        }
      }
      for await isLoopback in tasks { #expect(isLoopback) }
    }
  }

  private func connect(
    _ loop: EventLoop, _ host: String, _ port: Int, timeout: Duration
  ) async -> Result<String, ConnectFailure> {
    let holder = Mutex<Connector?>(nil)
    let result: Result<String, ConnectFailure> = await withCheckedContinuation { continuation in
      loop.execute {
        let connector = Connector(
          loop: loop, host: host, port: port, timeout: timeout,
          onConnected: { socket in continuation.resume(returning: .success(socket.peer.host)) },
          onFailure: { continuation.resume(returning: .failure($0)) })
        holder.withLock { $0 = connector }
      }
    }
    await loop.run {}
    return result
  }

  private func bindWithoutBacklog(_ descriptor: Int32) throws -> Int {
    guard let address = SocketAddress("127.0.0.1:0"), address.withSockaddr({ bind(descriptor, $0, $1) }) == 0,
      listen(descriptor, 0) == 0, let bound = SocketAddress.local(of: descriptor)
    else { throw SocketTestError("listen") }
    return bound.port
  }
}

/// A delegate made of closures, which may close the connection from inside each.
final class ClosureDelegate: ConnectionDelegate {
  var onReceived: (Connection) -> Void = { _ in }
  var onDrained: (Connection) -> Void = { _ in }
  var onEnded: (Connection, ConnectionEnd) -> Void = { _, _ in }

  func connectionReceived(_ connection: Connection) { onReceived(connection) }
  func connectionDrained(_ connection: Connection) { onDrained(connection) }
  func connectionEnded(_ connection: Connection, _ end: ConnectionEnd) { onEnded(connection, end) }
}

/// Accepts connections on `loop` and sets each up with `configure`.
func listen(
  _ loop: EventLoop, maximum: Int = 100, onShortage: @escaping @Sendable (String) -> Void = { _ in },
  _ configure: @escaping @Sendable (Connection) -> ClosureDelegate
) async throws -> (listener: Listener, limit: ConnectionLimit) {
  guard let address = SocketAddress("127.0.0.1:0") else { throw SystemError("address", EINVAL) }
  let limit = ConnectionLimit(maximum: maximum)
  let listener = Listener(
    socket: try ListeningSocket.tcp(address, sharesPort: false), loop: loop, limit: limit,
    onAccept: { socket in
      guard let connection = try? Connection(loop: loop, socket: socket, readBound: 64 * 1024) else {
        return limit.giveBack()
      }
      connection.onClose = { limit.giveBack() }
      connection.delegate = configure(connection)
    }, onShortage: onShortage)
  await loop.run { listener.start() }
  return (listener, limit)
}

@Suite struct ConnectionTests {
  @Test func connection_MayBeClosedInsideEveryCallback() async throws {
    try await withLoop { loop in
      for kind in 0..<3 {
        let (listener, limit) = try await listen(loop) { _ in
          let delegate = ClosureDelegate()
          delegate.onReceived = { connection in
            if kind == 0 { connection.close() }
            if kind == 1 { Array("abc".utf8).withUnsafeBytes { connection.write($0) } }
            // Twice is once.
            if kind == 0 { connection.close() }
          }
          delegate.onEnded = { connection, _ in connection.close() }
          return delegate
        }
        let peer = try SocketPeer.connect(port: listener.address.port)
        let reply = try await SocketThread.run {
          try peer.send("hello")
          if kind == 1 { _ = try peer.receive() }
          peer.shutDownWriting()
          return try peer.receiveToEnd(resetIsEnd: true)
        }
        #expect(reply.isEmpty)
        while limit.current > 0 { await loop.run {} }
        await loop.run { listener.stop() }
      }
    }
  }

  @Test func largeOutput_ArrivesWhole_AndIsAnnouncedWhenDrained() async throws {
    let size = 8 << 20
    try await withLoop { loop in
      let drained = Recorder<Int>()
      let (listener, _) = try await listen(loop) { _ in
        let delegate = ClosureDelegate()
        delegate.onReceived = { connection in
          connection.consume(connection.inputLength)
          connection.setDrainMark(1000)
          let bytes = (0..<size).map { UInt8(truncatingIfNeeded: $0) }
          bytes.withUnsafeBytes { all in
            connection.write(UnsafeRawBufferPointer(rebasing: all[..<10]), UnsafeRawBufferPointer(rebasing: all[10...]))
          }
        }
        delegate.onDrained = { connection in
          drained.add(connection.outputLength)
          connection.finish(linger: .seconds(1))
        }
        delegate.onEnded = { connection, _ in connection.close() }
        return delegate
      }
      let peer = try SocketPeer.connect(port: listener.address.port)
      let reply = try await SocketThread.run {
        try peer.send("x")
        return try peer.receiveToEnd()
      }
      #expect(reply.count == size)
      #expect(reply.enumerated().allSatisfy { $1 == UInt8(truncatingIfNeeded: $0) })
      #expect(drained.all.first.map { $0 <= 1000 } == true)
      await loop.run { listener.stop() }
    }
  }

  @Test func unreadInput_IsHeldAtTheBound() async throws {
    try await withLoop { loop in
      let held = Recorder<Int>()
      let (listener, _) = try await listen(loop) { _ in
        let delegate = ClosureDelegate()
        delegate.onReceived = { held.add($0.inputLength) }
        delegate.onEnded = { connection, _ in connection.close() }
        return delegate
      }
      let peer = try SocketPeer.connect(port: listener.address.port)
      try await SocketThread.run {
        var time = timeval(tv_sec: 0, tv_usec: 300_000)
        setsockopt(peer.descriptor, SOL_SOCKET, SO_SNDTIMEO, &time, socklen_t(MemoryLayout<timeval>.size))
        while (try? peer.send([UInt8](repeating: 0, count: 65536))) != nil {}
      }
      #expect(held.all.max() == 64 * 1024)
      peer.reset()
      await loop.run { listener.stop() }
    }
  }
}
