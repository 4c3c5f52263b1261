// The server over live loopback sockets: framing both ways, order, persistence.

import EventLoop
import HTTPModel
import HTTPTransport
import HTTPTypes
import Primitives
import Synchronization
import TestSupport
import Testing

@Sendable private func echo(_ request: Request) async -> Response {
  do {
    let body = try await request.body.collect(maxBytes: 8 << 20)
    return Response(
      status: .ok, fields: FieldBlock().adding(.contentType, "text/plain"),
      body: .bytes(Array("\(request.head.method.rawValue) \(request.head.pathString) ".utf8) + body))
  } catch let error as BodyError {
    let status: HTTPResponse.Status =
      switch error {
      case .tooLarge: .contentTooLarge
      case .truncated, .malformed: .badRequest
      case .timedOut: .requestTimeout
      case .overloaded: .serviceUnavailable
      }
    return Response(status: status)
  } catch {
    return Response(status: .internalServerError)
  }
}

private func bytes(_ text: String) -> [UInt8] { Array(text.utf8) }

@Suite struct ServerTests {
  @Test func everyResponse_HasTheCommonFields() async throws {
    try await withHTTPServer(answer: echo) { server in
      let reply = try await server.exchange(bytes("GET /a HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"))
      #expect(reply.hasPrefix("HTTP/1.1 200 OK\r\n"))
      #expect(reply.contains("\r\nX-Content-Type-Options: nosniff\r\n"))
      #expect(reply.contains("\r\nConnection: close\r\n"))
      #expect(reply.contains("\r\nContent-Length: 7\r\n"))
      #expect(reply.hasSuffix("\r\n\r\nGET /a "))
      let id = try #require(reply.split(separator: "\r\n").first { $0.hasPrefix("X-Request-Id: ") })
      #expect(id.dropFirst("X-Request-Id: ".count).wholeMatch(of: /req_[0-9A-HJKMNP-TV-Z]{26}/) != nil)
      let date = try #require(reply.split(separator: "\r\n").first { $0.hasPrefix("Date: ") })
      let seconds = try #require(HTTPDate.parse(String(date.dropFirst(6))))
      #expect(abs(seconds - SystemClock().wallNanoseconds() / 1_000_000_000) < 5)
    }
  }

  @Test func requestID_IsTheCallers_WhenItIsPrintable() async throws {
    try await withHTTPServer(answer: echo) { server in
      for (sent, isKept) in [("abc-1", true), (String(repeating: "x", count: 129), false), ("\u{E4}", false)] {
        let reply = try await server.exchange(
          bytes("GET / HTTP/1.1\r\nHost: a\r\nX-Request-Id: \(sent)\r\nConnection: close\r\n\r\n"))
        #expect(reply.contains("X-Request-Id: \(sent)\r\n") == isKept)
      }
    }
  }

  @Test func pipelinedRequests_AreAnsweredInOrder() async throws {
    try await withHTTPServer(answer: echo) { server in
      let count = 1000
      var input = ""
      for index in 0..<count {
        let last = index == count - 1 ? "Connection: close\r\n" : ""
        input += "POST /\(index) HTTP/1.1\r\nHost: a\r\n\(last)Content-Length: 4\r\n\r\nbody"
      }
      let reply = try await server.exchange(bytes(input))
      let order = reply.matches(of: /POST \/(\d+) body/).compactMap { Int($0.1) }
      #expect(order == Array(0..<count))
    }
  }

  @Test func chunkedRequest_IsRead_AndTheConnectionGoesOn() async throws {
    try await withHTTPServer(answer: echo) { server in
      let reply = try await server.exchange(
        bytes(
          "POST /a HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2;x\r\nde\r\n0\r\nT: u\r\n\r\n"
            + "GET /b HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"))
      #expect(reply.contains("POST /a abcde"))
      #expect(reply.hasSuffix("GET /b "))
    }
  }

  @Test func longBody_IsCollectedWhole() async throws {
    try await withHTTPServer(answer: echo) { server in
      let body = [UInt8](repeating: 0x61, count: 3 << 20)
      let reply = try await server.exchange(
        bytes("POST / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: \(body.count)\r\n\r\n") + body)
      #expect(reply.utf8.count > body.count)
      #expect(reply.hasSuffix("POST / " + String(decoding: body, as: UTF8.self)))
      #expect(server.server.bufferedBytes == 0)
    }
  }

  @Test func streamedResponse_IsChunked_AndClosedOnHTTP10() async throws {
    let answer: @Sendable (Request) async -> Response = { _ in
      Response(
        status: .ok,
        body: .stream(length: nil) { writer in
          for piece in ["one ", "two ", String(repeating: "x", count: 20000)] { try await writer.write(bytes(piece)) }
        })
    }
    try await withHTTPServer(answer: answer) { server in
      let chunked = try await server.exchange(bytes("GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"))
      #expect(chunked.contains("Transfer-Encoding: chunked\r\n"))
      #expect(chunked.contains("\r\n\r\n4\r\none \r\n4\r\ntwo \r\n4e20\r\nx"))
      #expect(chunked.hasSuffix("x\r\n0\r\n\r\n"))
      let old = try await server.exchange(bytes("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n"))
      #expect(old.contains("Connection: close\r\n") && !old.contains("chunked"))
      #expect(old.hasSuffix("one two " + String(repeating: "x", count: 20000)))
    }
  }

  @Test func failingStream_IsCutVisibly_OrAnswered500BeforeItsFirstByte() async throws {
    struct Broken: Error {}
    let answer: @Sendable (Request) async -> Response = { request in
      let isEarly = request.head.pathString == "/early"
      return Response(
        status: .ok,
        body: .stream(length: nil) { writer in
          if !isEarly { try await writer.write(bytes("abc")) }
          throw Broken()
        })
    }
    try await withHTTPServer(answer: answer) { server in
      let cut = try await server.exchange(bytes("GET /late HTTP/1.1\r\nHost: a\r\n\r\n"))
      #expect(cut.hasSuffix("3\r\nabc\r\n"))
      let early = try await server.exchange(bytes("GET /early HTTP/1.1\r\nHost: a\r\n\r\n"))
      #expect(early.hasPrefix("HTTP/1.1 500 ") && early.contains("Connection: close"))
    }
  }

  @Test func headRequest_GetsTheLengthWithoutTheBody() async throws {
    try await withHTTPServer(answer: echo) { server in
      let reply = try await server.exchange(
        bytes("HEAD /a HTTP/1.1\r\nHost: a\r\n\r\nGET /b HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"))
      #expect(reply.contains("Content-Length: 8\r\n"))
      #expect(!reply.contains("HEAD /a"))
      #expect(reply.hasSuffix("GET /b "))
    }
  }

  @Test func http10_ClosesUnlessAskedToStay() async throws {
    try await withHTTPServer(answer: echo) { server in
      let closed = try await server.exchange(bytes("GET /a HTTP/1.0\r\n\r\nGET /b HTTP/1.0\r\n\r\n"))
      #expect(closed.contains("GET /a") && !closed.contains("GET /b"))
      let kept = try await server.exchange(
        bytes("GET /a HTTP/1.0\r\nConnection: keep-alive\r\n\r\nGET /b HTTP/1.0\r\n\r\n"))
      #expect(kept.contains("Connection: keep-alive\r\n") && kept.hasSuffix("GET /b "))
    }
  }

  @Test func noContent_HasNeitherBodyNorLength() async throws {
    try await withHTTPServer(answer: { _ in Response(status: .noContent, body: .bytes(bytes("no"))) }) { server in
      let reply = try await server.exchange(bytes("GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"))
      #expect(reply.hasPrefix("HTTP/1.1 204 No Content\r\n") && reply.hasSuffix("\r\n\r\n"))
      #expect(!reply.contains("Content-Length"))
    }
  }

  @Test func halfClosedClient_StillReadsItsReply() async throws {
    try await withHTTPServer(answer: echo) { server in
      let input = bytes("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nok")
      let reply = try await server.exchange(input, endsInput: true)
      #expect(reply.hasSuffix("POST / ok"))
    }
  }

  @Test func expectation_IsAnsweredOnlyWhenTheBodyIsRead() async throws {
    let answer: @Sendable (Request) async -> Response = { request in
      request.head.pathString == "/refuse" ? Response(status: .forbidden) : await echo(request)
    }
    try await withHTTPServer(answer: answer) { server in
      let peer = try server.connect()
      let (interim, final) = try await SocketThread.run {
        try peer.send("POST /a HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n")
        let interim = try peer.receiveHead()
        try peer.send("ok")
        let final = try peer.receive { $0.suffix(2).elementsEqual("ok".utf8) }
        return (interim, String(decoding: final, as: UTF8.self))
      }
      #expect(interim == "HTTP/1.1 100 Continue\r\n\r\n")
      #expect(final.hasPrefix("HTTP/1.1 200 OK\r\n"))
      let refused = try await server.exchange(
        bytes("POST /refuse HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n"))
      #expect(refused.hasPrefix("HTTP/1.1 403 Forbidden\r\n") && refused.contains("Connection: close\r\n"))
    }
  }

  @Test func unreadBody_IsSkippedIfShort_ElseTheConnectionCloses() async throws {
    try await withHTTPServer(answer: { _ in Response(status: .notFound) }) { server in
      let next = "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
      let short = try await server.exchange(
        bytes("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n\r\n" + String(repeating: "x", count: 1000) + next)
      )
      #expect(short.components(of: "HTTP/1.1 404 Not Found") == 2)
      // Far longer than any socket buffer: the reply must reach a peer that is still sending.
      let long = try await server.exchange(
        bytes("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9000000\r\n\r\n")
          + [UInt8](repeating: 0x78, count: 9_000_000))
      #expect(long.hasPrefix("HTTP/1.1 404 Not Found\r\n") && long.contains("Connection: close\r\n"))
    }
  }

  @Test func brokenFraming_IsAnsweredOnceAndClosed() async throws {
    let observer = RecordingObserver()
    try await withHTTPServer(observer: observer, answer: echo) { server in
      let reply = try await server.exchange(
        bytes("GET /a HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\nGET /b HTTP/1.1\r\nHost: a\r\n\r\n"))
      #expect(reply.components(of: "HTTP/1.1 ") == 1)
      #expect(reply.hasPrefix("HTTP/1.1 400 Bad Request\r\n"))
      let chunk = try await server.exchange(
        bytes(
          "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n\r\nGET /b HTTP/1.1\r\nHost: a\r\n\r\n"
        ))
      #expect(chunk.components(of: "HTTP/1.1 ") == 1 && chunk.hasPrefix("HTTP/1.1 400 "))
      #expect(observer.exchanges.map(\.status) == [400, 400])
    }
  }

  @Test func exchange_IsReportedWithItsFigures() async throws {
    let observer = RecordingObserver()
    try await withHTTPServer(observer: observer, answer: echo) { server in
      let reply = try await server.exchange(
        bytes("POST /a HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: 3\r\n\r\nabc"))
      let exchange = try #require(observer.exchanges.first)
      #expect(exchange.status == 200 && exchange.bytesIn == 3 && exchange.bytesOut == reply.utf8.count)
      #expect(exchange.clientAddress == "127.0.0.1")
      #expect(reply.contains(exchange.requestID))
      #expect(exchange.nanosecondsToFirstByte > 0 && exchange.nanosecondsToLastByte >= exchange.nanosecondsToFirstByte)
    }
    #expect(observer.connections == 0)
  }

  @Test func bodyKeptBeyondItsRequest_NeverReadsTheNextOne() async throws {
    let kept = Mutex<(any RequestBody)?>(nil)
    let (late, finish) = AsyncStream.makeStream(of: String.self)
    let answer: @Sendable (Request) async -> Response = { request in
      if request.head.pathString == "/keep" {
        kept.withLock { $0 = request.body }
        // Waits for a body that comes only after the reply.
        Task {
          do {
            let piece = try await request.body.next()
            finish.yield("read \(piece?.count ?? -1)")
          } catch {
            finish.yield("refused")
          }
        }
        return Response(status: .ok)
      }
      let own = (try? await request.body.collect(maxBytes: 100)) ?? []
      return Response(status: .ok, body: .bytes(own))
    }
    try await withHTTPServer(answer: answer) { server in
      let peer = try server.connect()
      let reply = try await SocketThread.run {
        try peer.send("POST /keep HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\n")
        let first = try peer.receiveHead()
        try peer.send("body")
        try peer.send("POST /next HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\nConnection: close\r\n\r\nnext")
        return first + String(decoding: try peer.receiveToEnd(), as: UTF8.self)
      }
      #expect(reply.components(of: "HTTP/1.1 200 OK") == 2 && reply.hasSuffix("next"))
      for await outcome in late {
        #expect(outcome == "refused" || outcome == "read 4")
        break
      }
      let stale = kept.withLock { $0 }
      await #expect(throws: BodyError.self) { _ = try await stale?.next() }
    }
  }

  @Test func streamThatIsNeverHeldBack_StillGivesTheLoopItsTurns() async throws {
    // Fits the socket's buffers whole, so nothing but the writer itself ever lets go of the loop.
    let answer: @Sendable (Request) async -> Response = { _ in
      Response(
        status: .ok,
        body: .stream(length: 40_000) { writer in
          for _ in 0..<10_000 { try await writer.write([1, 2, 3, 4]) }
        })
    }
    try await withHTTPServer(answer: answer) { server in
      let turns = Mutex(0)
      server.group.loops[0].addTurnHook { turns.withLock { $0 += 1 } }
      let reply = try await server.exchange(bytes("GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"))
      #expect(reply.utf8.count > 40_000)
      #expect(turns.withLock { $0 } > 8)
    }
  }

  @Test func peerThatGoesAway_CancelsItsHandler() async throws {
    let (started, start) = AsyncStream.makeStream(of: Void.self)
    let (ended, end) = AsyncStream.makeStream(of: Bool.self)
    let answer: @Sendable (Request) async -> Response = { _ in
      start.yield()
      await untilCancelled()
      end.yield(Task.isCancelled)
      return Response(status: .ok)
    }
    try await withHTTPServer(answer: answer) { server in
      let peer = try server.connect()
      try await SocketThread.run { try peer.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n") }
      for await _ in started { break }
      peer.reset()
      for await wasCancelled in ended {
        #expect(wasCancelled)
        break
      }
    }
  }
}

extension String {
  fileprivate func components(of part: String) -> Int { ranges(of: part).count }
}
