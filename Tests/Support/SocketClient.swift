// A raw TCP client and server for tests: bytes exactly as the test says, with a time limit on every wait.

import Glibc

package struct SocketTestError: Error, CustomStringConvertible {
  package let description: String

  package init(_ call: String) { description = "\(call): \(String(cString: strerror(errno)))" }
  package init(message: String) { description = message }
}

/// One connected stream socket. `async` calls block a thread of their own; the others are for a server's script, which
/// has one.
package final class SocketPeer: @unchecked Sendable {
  package let descriptor: Int32

  package init(descriptor: Int32, timeoutSeconds: Int = 20) {
    self.descriptor = descriptor
    var time = timeval(tv_sec: timeoutSeconds, tv_usec: 0)
    setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &time, socklen_t(MemoryLayout<timeval>.size))
    setsockopt(descriptor, SOL_SOCKET, SO_SNDTIMEO, &time, socklen_t(MemoryLayout<timeval>.size))
    var one: Int32 = 1
    setsockopt(descriptor, Int32(IPPROTO_TCP), TCP_NODELAY, &one, socklen_t(MemoryLayout<Int32>.size))
  }

  deinit { Glibc.close(descriptor) }

  /// Connects to a port of 127.0.0.1. `receiveBytes` makes the window small, for a peer that reads slowly.
  package static func connect(port: Int, receiveBytes: Int32? = nil) throws -> SocketPeer {
    let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
    guard descriptor >= 0 else { throw SocketTestError("socket") }
    if var size = receiveBytes {
      setsockopt(descriptor, SOL_SOCKET, SO_RCVBUF, &size, socklen_t(MemoryLayout<Int32>.size))
    }
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_port = UInt16(port).bigEndian
    address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
    let status = withUnsafePointer(to: &address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        Glibc.connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
      }
    }
    guard status == 0 else {
      let error = SocketTestError("connect")
      Glibc.close(descriptor)
      throw error
    }
    return SocketPeer(descriptor: descriptor)
  }

  /// Ends both directions with a FIN. The descriptor itself lives as long as this object: another thread may still be
  /// waiting on it.
  package func close() { shutdown(descriptor, Int32(SHUT_RDWR)) }

  /// Ends both directions with a reset, at once.
  package func reset() {
    var none = sockaddr()
    none.sa_family = sa_family_t(AF_UNSPEC)
    _ = Glibc.connect(descriptor, &none, socklen_t(MemoryLayout<sockaddr>.size))
  }

  package func shutDownWriting() { shutdown(descriptor, Int32(SHUT_WR)) }

  package func send(_ text: String) throws { try send(Array(text.utf8)) }

  package func send(_ bytes: [UInt8]) throws {
    var offset = 0
    while offset < bytes.count {
      let sent = bytes.withUnsafeBytes {
        Glibc.send(descriptor, $0.baseAddress?.advanced(by: offset), bytes.count - offset, Int32(MSG_NOSIGNAL))
      }
      guard sent > 0 else { throw SocketTestError("send") }
      offset += sent
    }
  }

  /// What there is, at least one byte; empty at the peer's end. A reset counts as an end where `resetIsEnd`.
  package func receive(atMost count: Int = 65536, resetIsEnd: Bool = false) throws -> [UInt8] {
    var buffer = [UInt8](repeating: 0, count: count)
    let received = recv(descriptor, &buffer, count, 0)
    if received < 0, resetIsEnd, errno == ECONNRESET { return [] }
    guard received >= 0 else { throw SocketTestError("recv") }
    return Array(buffer[..<received])
  }

  package func receiveToEnd(resetIsEnd: Bool = false) throws -> [UInt8] {
    var all: [UInt8] = []
    while true {
      let piece = try receive(resetIsEnd: resetIsEnd)
      if piece.isEmpty { return all }
      all += piece
    }
  }

  /// Reads until `isEnough` of everything that came.
  package func receive(until isEnough: ([UInt8]) -> Bool) throws -> [UInt8] {
    var all: [UInt8] = []
    while !isEnough(all) {
      let piece = try receive()
      if piece.isEmpty { throw SocketTestError(message: "closed after \(String(decoding: all, as: UTF8.self))") }
      all += piece
    }
    return all
  }

  /// Reads one message up to the end of its head.
  package func receiveHead() throws -> String {
    String(
      decoding: try receive { $0.suffix(4).elementsEqual("\r\n\r\n".utf8) || $0.contains(headEnd: ()) }, as: UTF8.self)
  }
}

extension [UInt8] {
  fileprivate func contains(headEnd: Void) -> Bool {
    let mark = Array("\r\n\r\n".utf8)
    guard count >= 4 else { return false }
    return (0...count - 4).contains { self[$0..<$0 + 4].elementsEqual(mark) }
  }
}

/// A TCP server of 127.0.0.1 that runs a script for each connection, on a thread of its own.
package final class SocketServer: @unchecked Sendable {
  package let port: Int
  private let descriptor: Int32

  package init(_ script: @escaping @Sendable (_ peer: SocketPeer, _ index: Int) throws -> Void) throws {
    let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
    self.descriptor = descriptor
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
    var length = socklen_t(MemoryLayout<sockaddr_in>.size)
    let bound = withUnsafeMutablePointer(to: &address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
        bind(descriptor, address, length) == 0 && listen(descriptor, 128) == 0
          && getsockname(descriptor, address, &length) == 0
      }
    }
    guard bound else { throw SocketTestError("bind") }
    port = Int(UInt16(bigEndian: address.sin_port))
    SocketThread.start {
      var index = 0
      while true {
        let accepted = accept(descriptor, nil, nil)
        if accepted < 0 { return }
        let number = index
        index += 1
        let peer = SocketPeer(descriptor: accepted)
        SocketThread.start { try? script(peer, number) }
      }
    }
  }

  /// Refuses further connections and wakes the accepting thread, which then ends. The descriptor itself lives as long
  /// as this object.
  package func stop() { shutdown(descriptor, Int32(SHUT_RDWR)) }

  deinit {
    stop()
    close(descriptor)
  }
}
