// TLS of the client against `openssl s_server`: trust, names, truncation.

import EventLoop
import HTTPModel
import HTTPTransport
import HTTPTypes
import TestSupport
import Testing

@Suite struct ClientTLSTests {
  private static let replies = [
    "length": "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello",
    "close": "HTTP/1.1 200 OK\r\n\r\n" + String(repeating: "hello", count: 2000),
    "short": "HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\nhello",
  ]

  private func trusting(_ server: HTTPTLSServer) -> HTTPClientSettings {
    var settings = HTTPClientSettings()
    settings.caFile = server.authorityFile
    return settings
  }

  private func text(_ client: PooledHTTPClient, _ request: ClientRequest) async throws -> String {
    String(
      decoding: try await client.send(request, deadline: .seconds(10)).body.collect(maxBytes: 1 << 20), as: UTF8.self)
  }

  /// A reply that fills the input to its bound while its reader is away must go on when the reader is back. It holds
  /// with libevent's own watermark too: the stall that `Connection` avoids could not be provoked here.
  @Test(.timeLimit(.minutes(1)), arguments: [65_536, 65_537, 70_000, 81_920, 98_304, 200_000])
  func longReply_IsReadToItsEnd_WhenItsReaderIsSlow(_ length: Int) async throws {
    let body = String(repeating: "x", count: length)
    let server = try await HTTPTLSServer(
      names: ["DNS:localhost"], replies: ["long": "HTTP/1.1 200 OK\r\nContent-Length: \(length)\r\n\r\n\(body)"])
    let loops = try EventLoopGroup(count: 1, name: "pause")
    defer { loops.stop() }
    try await withClient(trusting(server)) { client in
      let reply = try await client.send(
        get(server.port, "/long", host: "localhost", isTLS: true), deadline: .seconds(20))
      var count = 0
      while true {
        // Time for the input to fill: a longer pause could only make the test stricter.
        if count < 2 * 65_536 { try await loops.loops[0].sleep(for: .milliseconds(30)) }
        guard let piece = try await reply.body.next() else { break }
        count += piece.count
      }
      #expect(count == length)
    }
  }

  @Test func trustedServer_IsRead_ByNameAndByAddress() async throws {
    let server = try await HTTPTLSServer(names: ["DNS:localhost", "IP:127.0.0.1"], replies: Self.replies)
    try await withClient(trusting(server)) { client in
      for host in ["localhost", "127.0.0.1"] {
        let reply = try await text(client, get(server.port, "/length", host: host, isTLS: true))
        #expect(reply == "hello")
      }
    }
  }

  @Test func certificateOfAnotherHost_IsRefused() async throws {
    let server = try await HTTPTLSServer(names: ["DNS:example.com", "IP:127.0.0.2"], replies: Self.replies)
    try await withClient(trusting(server)) { client in
      for host in ["localhost", "127.0.0.1"] {
        do {
          _ = try await text(client, get(server.port, "/length", host: host, isTLS: true))
          Issue.record("\(host) was accepted")
        } catch HTTPClientError.tlsFailed(let reason) {
          #expect(reason.contains("certificate refused"), "\(reason)")
        }
      }
    }
  }

  @Test func unknownAuthority_IsRefused() async throws {
    let server = try await HTTPTLSServer(names: ["DNS:localhost"], replies: Self.replies)
    try await withClient { client in
      do {
        _ = try await text(client, get(server.port, "/length", host: "localhost", isTLS: true))
        Issue.record("an unknown authority was trusted")
      } catch HTTPClientError.tlsFailed(let reason) {
        #expect(reason.contains("certificate refused"), "\(reason)")
      }
    }
  }

  @Test func oldVersion_IsRefused() async throws {
    let server = try await HTTPTLSServer(
      names: ["DNS:localhost"], replies: Self.replies, arguments: ["-tls1_1", "-cipher", "DEFAULT:@SECLEVEL=0"])
    try await withClient(trusting(server)) { client in
      await #expect(throws: HTTPClientError.self) {
        _ = try await text(client, get(server.port, "/length", host: "localhost", isTLS: true))
      }
    }
  }

  @Test func truncatedBody_IsAnError_AlsoWhereTheCloseWouldEndIt() async throws {
    let server = try await HTTPTLSServer(names: ["DNS:localhost"], replies: Self.replies)
    let proxy = try FaultProxy(upstreamPort: server.port) { _ in .cutReply(after: 9000) }
    try await withClient(trusting(server)) { client in
      let whole = try await text(client, get(server.port, "/close", host: "localhost", isTLS: true))
      #expect(whole == String(repeating: "hello", count: 2000))
      for request in [
        get(server.port, "/short", host: "localhost", isTLS: true),
        // No close_notify: the end of the connection is no end of the body.
        get(proxy.port, "/close", host: "localhost", isTLS: true),
      ] {
        await #expect(throws: HTTPClientError.connectionLost(requestSent: true)) { _ = try await text(client, request) }
      }
    }
    proxy.stop()
  }

  @Test func plainServer_IsNoTLSServer() async throws {
    try await withHTTPServer(answer: { _ in Response(status: .ok) }) { server in
      try await withClient { client in
        await #expect(throws: HTTPClientError.self) {
          _ = try await text(client, get(server.port, host: "localhost", isTLS: true))
        }
      }
    }
  }

  @Test func missingAuthorities_AreSaidAtOnce() async throws {
    var settings = HTTPClientSettings()
    settings.caFile = "/nonexistent/authority.pem"
    await #expect(throws: HTTPClientError.self) { try await withClient(settings) { _ in } }
  }
}
