// One HTTP/1.1 server on all loops of a group.

import EventLoop
import HTTPModel
import Primitives

package final class HTTPServer: Sendable {
  package init(
    group: EventLoopGroup, handler: any HTTPHandler, observer: (any ExchangeObserver)? = nil,
    settings: HTTPServerSettings = HTTPServerSettings(), clock: any Clock = SystemClock(),
    random: any RandomSource = SystemRandom(), onShortage: (@Sendable (String) -> Void)? = nil
  ) {}

  package func listen(on address: SocketAddress) async throws(SystemError) -> SocketAddress {
    throw SystemError("listen", 38)
  }

  package func drain(within: Duration) async {}

  package var openConnections: Int { 0 }
}
