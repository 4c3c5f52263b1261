// The short life of a descriptor between the call that made it and the connection that owns it.

import Glibc

/// A connected socket on its way from the listener or the connector to a `Connection`; closed where nobody takes it.
package struct ConnectedSocket: ~Copyable {
  private var descriptor: Int32
  package let peer: SocketAddress

  init(descriptor: Int32, peer: SocketAddress) {
    self.descriptor = descriptor
    self.peer = peer
  }

  deinit { if descriptor >= 0 { close(descriptor) } }

  consuming func take() -> Int32 {
    defer { descriptor = -1 }
    return descriptor
  }
}
