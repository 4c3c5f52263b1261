// A numeric IPv4 or IPv6 address with a port, in the form the kernel wants and the form people read.

import Glibc

package struct SocketAddress: Sendable, Equatable, CustomStringConvertible {
  /// `127.0.0.1` or `::1`, without brackets, an IPv6 zone as `%name`. An IPv4 address that came through an IPv6
  /// socket is shown as IPv4.
  package let host: String
  package let port: Int

  let family: Int32
  private let storage: sockaddr_storage
  private let length: socklen_t

  /// Reads `127.0.0.1:8080` or `[::1]:8080`: no names, no missing port.
  package init?(_ text: String) {
    guard let colon = text.lastIndex(of: ":"), let port = UInt16(text[text.index(after: colon)...]) else { return nil }
    var host = text[..<colon]
    if host.hasPrefix("["), host.hasSuffix("]") {
      host = host.dropFirst().dropLast()
      guard host.contains(":") else { return nil }
    } else if host.contains(":") {
      return nil
    }
    self.init(numericHost: String(host), port: Int(port))
  }

  /// nil where `numericHost` is a name.
  package init?(numericHost: String, port: Int) {
    guard let port = UInt16(exactly: port) else { return nil }
    var four = sockaddr_in()
    if inet_pton(AF_INET, numericHost, &four.sin_addr) == 1 {
      four.sin_family = sa_family_t(AF_INET)
      four.sin_port = port.bigEndian
      self.init(copying: four)
      return
    }
    var six = sockaddr_in6()
    if inet_pton(AF_INET6, numericHost, &six.sin6_addr) == 1 {
      six.sin6_family = sa_family_t(AF_INET6)
      six.sin6_port = port.bigEndian
      self.init(copying: six)
      return
    }
    return nil
  }

  private init?<Family>(copying address: Family) {
    self = withUnsafePointer(to: address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        SocketAddress(address: $0, length: socklen_t(MemoryLayout<Family>.size))
      }
    }
  }

  /// Copies what the kernel or the resolver gave. Addresses of other families (unix sockets) have an empty host and
  /// port 0.
  init(address: UnsafePointer<sockaddr>, length: socklen_t) {
    var storage = sockaddr_storage()
    let count = min(Int(length), MemoryLayout<sockaddr_storage>.size)
    withUnsafeMutableBytes(of: &storage) { $0.copyMemory(from: UnsafeRawBufferPointer(start: address, count: count)) }
    self.storage = storage
    self.length = socklen_t(count)
    family = Int32(storage.ss_family)
    (host, port) = Self.text(storage, socklen_t(count))
  }

  /// The address that this end (`getsockname`) of a socket has.
  static func local(of descriptor: Int32) -> SocketAddress? {
    var storage = sockaddr_storage()
    var length = socklen_t(MemoryLayout<sockaddr_storage>.size)
    return withUnsafeMutablePointer(to: &storage) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
        getsockname(descriptor, address, &length) == 0 ? SocketAddress(address: address, length: length) : nil
      }
    }
  }

  func withSockaddr<Result>(_ body: (UnsafePointer<sockaddr>, socklen_t) -> Result) -> Result {
    withUnsafePointer(to: storage) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { body($0, length) }
    }
  }

  /// The same host, an IPv6 zone included, with another port.
  package func with(port: Int) -> SocketAddress {
    var copy = storage
    // The port stands behind the family in both sockaddr_in and sockaddr_in6.
    let offset = MemoryLayout<sockaddr_in>.offset(of: \.sin_port) ?? 2
    withUnsafeMutableBytes(of: &copy) { bytes in
      bytes.storeBytes(of: UInt16(truncatingIfNeeded: port).bigEndian, toByteOffset: offset, as: UInt16.self)
    }
    return withUnsafePointer(to: copy) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { SocketAddress(address: $0, length: length) }
    }
  }

  package var isLoopback: Bool { host.hasPrefix("127.") || host == "::1" }

  package var description: String { host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)" }

  package static func == (left: SocketAddress, right: SocketAddress) -> Bool {
    left.family == right.family && left.host == right.host && left.port == right.port
  }

  private static func text(_ storage: sockaddr_storage, _ length: socklen_t) -> (String, Int) {
    var host = [CChar](repeating: 0, count: Int(NI_MAXHOST))
    var service = [CChar](repeating: 0, count: 32)
    let status = withUnsafePointer(to: storage) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        getnameinfo(
          $0, length, &host, socklen_t(host.count), &service, socklen_t(service.count), NI_NUMERICHOST | NI_NUMERICSERV)
      }
    }
    guard status == 0, Int32(storage.ss_family) != AF_UNIX else { return ("", 0) }
    var name = string(host)
    if name.hasPrefix("::ffff:"), name.contains(".") { name.removeFirst("::ffff:".count) }
    return (name, Int(string(service)) ?? 0)
  }

  private static func string(_ characters: [CChar]) -> String {
    String(decoding: characters.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
  }
}
