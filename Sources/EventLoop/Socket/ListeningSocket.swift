// Makes the sockets that listeners accept on.

import Glibc

/// A bound socket that listens; closed where nobody takes it.
package struct ListeningSocket: ~Copyable {
  private var descriptor: Int32
  /// As bound: with the port that the system chose for port 0.
  package let address: SocketAddress

  deinit { if descriptor >= 0 { close(descriptor) } }

  consuming func take() -> Int32 {
    defer { descriptor = -1 }
    return descriptor
  }

  private static let backlog: Int32 = 1024

  /// Binds and listens. With `sharesPort` further sockets of this process may listen on the same port (SO_REUSEPORT).
  package static func tcp(_ address: SocketAddress, sharesPort: Bool) throws(SystemError) -> ListeningSocket {
    let socket = try bound(address, sharesPort: sharesPort)
    guard listen(socket.descriptor, backlog) == 0 else { throw SystemError("listen on \(address)", errno) }
    return socket
  }

  /// Throws where another process listens there: SO_REUSEPORT alone would share the port with it in silence.
  package static func checkFree(_ address: SocketAddress) throws(SystemError) {
    guard address.port != 0 else { return }
    _ = try bound(address, sharesPort: false)
  }

  private static func bound(_ address: SocketAddress, sharesPort: Bool) throws(SystemError) -> ListeningSocket {
    let descriptor = SocketOption.streamSocket(address.family)
    guard descriptor >= 0 else { throw SystemError("socket for \(address)", errno) }
    SocketOption.set(descriptor, SOL_SOCKET, SO_REUSEADDR, 1)
    if sharesPort { SocketOption.set(descriptor, SOL_SOCKET, SO_REUSEPORT, 1) }
    // An IPv6 listener is for IPv6 alone: whoever wants both lists both.
    if address.family == AF_INET6 { SocketOption.set(descriptor, Int32(IPPROTO_IPV6), IPV6_V6ONLY, 1) }
    guard address.withSockaddr({ bind(descriptor, $0, $1) }) == 0 else {
      let code = errno
      close(descriptor)
      throw SystemError("bind to \(address)", code)
    }
    return ListeningSocket(descriptor: descriptor, address: SocketAddress.local(of: descriptor) ?? address)
  }
}
