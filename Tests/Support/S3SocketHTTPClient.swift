// The least of an HTTP client, blocking, one connection a request: to prepare the S3 server of the tests without the
// code that the tests are about.

import Foundation
import HTTPModel
import Primitives

enum S3SocketHTTPClient {
  enum Method: String {
    case get = "GET"
    case put = "PUT"
  }

  struct Failed: Error {
    let reason: String
  }

  private static let executor = BlockingExecutor(threads: 1, name: "weed-client")

  /// The status of a request without a body to a port of this machine.
  static func status(
    of method: Method, _ path: String, at origin: Origin, fields: [(name: String, value: String)]
  ) async throws -> Int {
    var head = "\(method.rawValue) \(path) HTTP/1.1\r\nHost: \(origin.hostField)\r\nConnection: close\r\n"
    for field in fields { head += "\(field.name): \(field.value)\r\n" }
    head += "Content-Length: 0\r\n\r\n"
    let request = head
    return try await executor.run { try exchange(Array(request.utf8), port: origin.port) }
  }

  static func loopback(port: Int) -> sockaddr_in {
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_port = in_port_t(port).bigEndian
    address.sin_addr.s_addr = in_addr_t(0x7F00_0001).bigEndian
    return address
  }

  private static func exchange(_ request: [UInt8], port: Int) throws -> Int {
    let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    guard descriptor >= 0 else { throw Failed(reason: "socket") }
    defer { close(descriptor) }
    var patience = timeval(tv_sec: 10, tv_usec: 0)
    setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &patience, socklen_t(MemoryLayout<timeval>.size))
    var address = loopback(port: port)
    let code = withUnsafePointer(to: &address) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
      }
    }
    guard code == 0, send(descriptor, request, request.count, Int32(MSG_NOSIGNAL)) == request.count else {
      throw Failed(reason: "connect or send")
    }
    var reply = [UInt8](repeating: 0, count: 4096)
    var count = 0
    while count < 12 {
      let got = recv(descriptor, &reply[count], reply.count - count, 0)
      guard got > 0 else { throw Failed(reason: "no reply") }
      count += got
    }
    guard let status = Int(String(decoding: reply[9..<12], as: UTF8.self)) else { throw Failed(reason: "no status") }
    return status
  }
}
