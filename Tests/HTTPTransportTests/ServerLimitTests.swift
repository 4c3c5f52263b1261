// Deadlines, bounds and the drain of the server, over live sockets with limits of some tens of milliseconds: the
// tests wait for what the server does, not for time.

import EventLoop
import Glibc
import HTTPModel
import HTTPTransport
import HTTPTypes
import Primitives
import TestSupport
import Testing

private func bytes(_ text: String) -> [UInt8] { Array(text.utf8) }

@Sendable private func collect(_ request: Request) async -> Response {
  do {
    let body = try await request.body.collect(maxBytes: 1 << 20)
    return Response(status: .ok, body: .bytes(bytes("\(body.count)")))
  } catch BodyError.timedOut {
    return Response(status: .requestTimeout)
  } catch BodyError.tooLarge {
    return Response(status: .contentTooLarge)
  } catch BodyError.overloaded {
    return Response(status: .serviceUnavailable)
  } catch {
    return Response(status: .badRequest)
  }
}

@Suite struct ServerLimitTests {
  @Test func slowHead_IsAnswered408() async throws {
    var settings = HTTPServerSettings()
    settings.headTimeout = .milliseconds(50)
    try await withHTTPServer(settings: settings, answer: collect) { server in
      let reply = try await server.exchange(bytes("GET / HTTP/1.1\r\nHost:"))
      #expect(reply.hasPrefix("HTTP/1.1 408 Request Timeout\r\n") && reply.contains("Connection: close\r\n"))
    }
  }

  @Test func slowBody_TimesOutItsReader() async throws {
    var settings = HTTPServerSettings()
    settings.bodyTimeout = .milliseconds(50)
    try await withHTTPServer(settings: settings, answer: collect) { server in
      for fields in ["Content-Length: 10\r\n\r\nabc", "Transfer-Encoding: chunked\r\n\r\n5\r\nab"] {
        let reply = try await server.exchange(bytes("POST / HTTP/1.1\r\nHost: a\r\n\(fields)"))
        #expect(reply.hasPrefix("HTTP/1.1 408 Request Timeout\r\n") && reply.contains("Connection: close\r\n"))
      }
    }
  }

  @Test func idleConnection_IsClosedInSilence() async throws {
    var settings = HTTPServerSettings()
    settings.idleTimeout = .milliseconds(50)
    try await withHTTPServer(settings: settings, answer: collect) { server in
      #expect(try await server.exchange([]) == "")
      let reply = try await server.exchange(bytes("GET / HTTP/1.1\r\nHost: a\r\n\r\n"))
      #expect(reply.hasPrefix("HTTP/1.1 200 OK\r\n") && reply.hasSuffix("\r\n\r\n0"))
    }
  }

  @Test func readerThatStops_IsCut() async throws {
    var settings = HTTPServerSettings()
    settings.bodyTimeout = .milliseconds(100)
    let observer = RecordingObserver()
    let answer: @Sendable (Request) async -> Response = { _ in
      Response(
        status: .ok,
        body: .stream(length: nil) { writer in
          while true { try await writer.write([UInt8](repeating: 0, count: 65536)) }
        })
    }
    try await withHTTPServer(settings: settings, observer: observer, answer: answer) { server in
      let peer = try server.connect(receiveBytes: 4096)
      try await SocketThread.run { try peer.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n") }
      try await eventually { observer.exchanges.count == 1 && observer.connections == 0 }
      #expect(server.server.bufferedBytes == 0)
      peer.close()
    }
  }

  @Test func floodThatNeverReads_IsHeldAtTheOutputBound() async throws {
    var settings = HTTPServerSettings()
    settings.outputBytes = 64 * 1024
    let reply = [UInt8](repeating: 0x61, count: 32 * 1024)
    let observer = RecordingObserver()
    let answer: @Sendable (Request) async -> Response = { _ in Response(status: .ok, body: .bytes(reply)) }
    try await withHTTPServer(settings: settings, observer: observer, answer: answer) { server in
      let peer = try server.connect(receiveBytes: 4096)
      let sent = try await SocketThread.run { () -> Int in
        // Sends until the kernel takes no more: the server has stopped reading by then.
        var time = timeval(tv_sec: 0, tv_usec: 300_000)
        setsockopt(peer.descriptor, SOL_SOCKET, SO_SNDTIMEO, &time, socklen_t(MemoryLayout<timeval>.size))
        let block = bytes(String(repeating: "GET / HTTP/1.1\r\nHost: a\r\n\r\n", count: 1000))
        var blocks = 0
        while blocks < 4000, (try? peer.send(block)) != nil { blocks += 1 }
        return blocks
      }
      #expect(sent < 4000, "the server read everything")
      #expect(server.server.bufferedBytes <= settings.outputBytes + reply.count + 1024)
      peer.reset()
      try await eventually { observer.connections == 0 }
    }
  }

  @Test func bodyAboveTheBound_IsRefusedBeforeItIsRead() async throws {
    try await withHTTPServer(answer: collect) { server in
      let declared = try await server.exchange(bytes("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1048577\r\n\r\n"))
      #expect(declared.hasPrefix("HTTP/1.1 413 ") && declared.contains("Connection: close\r\n"))
      let chunk = "10000\r\n" + String(repeating: "x", count: 65536) + "\r\n"
      let chunked = try await server.exchange(
        bytes("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n" + String(repeating: chunk, count: 40)))
      #expect(chunked.hasPrefix("HTTP/1.1 413 "))
    }
  }

  @Test func bodiesBeyondTheBufferBudget_AreShed() async throws {
    var settings = HTTPServerSettings()
    settings.bufferedBytes = 100_000
    try await withHTTPServer(settings: settings, answer: collect) { server in
      let held = try server.connect()
      try await SocketThread.run {
        try held.send(
          bytes("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 60000\r\n\r\n") + [UInt8](repeating: 0, count: 100))
      }
      try await eventually { server.server.bufferedBytes >= 60000 }
      let shed = try await server.exchange(bytes("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 60000\r\n\r\nabc"))
      #expect(shed.hasPrefix("HTTP/1.1 503 "))
      held.close()
      try await eventually { server.server.bufferedBytes == 0 }
    }
  }

  @Test func connectionsBeyondTheCap_WaitUntilOneCloses() async throws {
    var settings = HTTPServerSettings()
    settings.connections = 2
    try await withHTTPServer(loops: 2, settings: settings, answer: collect) { server in
      let first = try server.connect()
      let second = try server.connect()
      for peer in [first, second] {
        _ = try await SocketThread.run {
          try peer.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
          return try peer.receiveHead()
        }
      }
      #expect(server.server.openConnections == 2)
      let third = try server.connect()
      async let reply = SocketThread.run {
        try third.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        return try third.receiveHead()
      }
      #expect(server.server.openConnections == 2)
      first.close()
      #expect(try await reply.hasPrefix("HTTP/1.1 200 OK\r\n"))
    }
  }

  @Test func lastRequestOfAConnection_IsToldSo() async throws {
    var settings = HTTPServerSettings()
    settings.requestsPerConnection = 2
    try await withHTTPServer(settings: settings, answer: collect) { server in
      let reply = try await server.exchange(
        bytes(String(repeating: "GET / HTTP/1.1\r\nHost: a\r\n\r\n", count: 3)))
      #expect(reply.ranges(of: "HTTP/1.1 200 OK").count == 2)
      #expect(reply.ranges(of: "Connection: close\r\n").count == 1)
    }
  }

  @Test func drain_FinishesWhatHasBegun_AndClosesTheIdle() async throws {
    let (begun, begin) = AsyncStream.makeStream(of: Void.self)
    let (released, release) = AsyncStream.makeStream(of: Void.self)
    let answer: @Sendable (Request) async -> Response = { _ in
      begin.yield()
      for await _ in released { break }
      return Response(status: .ok, body: .bytes(bytes("done")))
    }
    let server = try await HTTPTestServer(answer)
    let idle = try server.connect()
    let busy = try server.connect()
    async let reply = SocketThread.run {
      try busy.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
      return String(decoding: try busy.receiveToEnd(), as: UTF8.self)
    }
    for await _ in begun { break }
    async let drained: Void = server.server.drain(within: .seconds(10))
    let rest = try await SocketThread.run { try idle.receiveToEnd() }
    #expect(rest.isEmpty)
    #expect(throws: SocketTestError.self) { _ = try server.connect() }
    release.yield()
    let text = try await reply
    #expect(text.contains("Connection: close\r\n") && text.hasSuffix("done"))
    await drained
    #expect(server.server.openConnections == 0)
    server.group.stop()
  }

  @Test func drain_CutsWhatIsLeft_AtItsDeadline() async throws {
    let (begun, begin) = AsyncStream.makeStream(of: Void.self)
    let server = try await HTTPTestServer { _ in
      begin.yield()
      await untilCancelled()
      return Response(status: .ok)
    }
    let peer = try server.connect()
    async let reply = SocketThread.run {
      try peer.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
      return try peer.receiveToEnd(resetIsEnd: true)
    }
    for await _ in begun { break }
    await server.server.drain(within: .milliseconds(50))
    #expect(server.server.openConnections == 0)
    #expect(try await reply.isEmpty)
    server.group.stop()
  }
}

/// Asks until `condition` holds; fails the test after some seconds.
func eventually(_ condition: @Sendable () -> Bool, sourceLocation: SourceLocation = #_sourceLocation) async throws {
  let clock = SystemClock()
  let end = clock.monotonicNanoseconds() + 10_000_000_000
  while !condition() {
    guard clock.monotonicNanoseconds() < end else {
      Issue.record("the condition did not come to hold", sourceLocation: sourceLocation)
      return
    }
    await Task.yield()
  }
}

/// What a handler does that has no end of its own.
func untilCancelled() async {
  let (nothing, continuation) = AsyncStream.makeStream(of: Void.self)
  for await _ in nothing {}
  continuation.finish()
}
