// The client side of the transport: requests over pooled connections.

import EventLoop
import HTTPModel
import Primitives

package final class PooledHTTPClient: HTTPClient {
  package init(
    group: EventLoopGroup, settings: HTTPClientSettings = HTTPClientSettings(), clock: any Clock = SystemClock()
  ) throws(HTTPClientError) {}

  package func send(_ request: ClientRequest, deadline: Duration) async throws -> ClientResponse {
    throw HTTPClientError.connectFailed("not built")
  }

  package func shutDown() async {}
}
