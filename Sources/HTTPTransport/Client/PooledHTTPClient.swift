// The client side of the transport: HTTP/1.1 requests over pooled connections, plain or TLS. Redirects are the
// caller's, and so is every retry but one: a request that met a pooled connection which the server had closed
// meanwhile is sent again on a new one.

import EventLoop
import HTTPModel
import Primitives
import Synchronization

package final class PooledHTTPClient: HTTPClient {
  private let pools: [ClientPool]
  private let turn = Atomic<Int>(0)

  /// Connections live on the loops of `group`; a caller that runs on one of them stays there. Throws where the
  /// authorities cannot be read.
  package init(
    group: EventLoopGroup, settings: HTTPClientSettings = HTTPClientSettings(), clock: any Clock = SystemClock()
  ) throws(HTTPClientError) {
    let tls: TLSClientContext
    do {
      tls = try TLSClientContext(caFile: settings.caFile)
    } catch {
      throw .tlsFailed(error.reason)
    }
    let count = group.loops.count
    let share = max(1, (settings.connectionsPerOrigin + count - 1) / count)
    pools = group.loops.map { ClientPool(loop: $0, settings: settings, connectionsPerOrigin: share, tls: tls) }
  }

  package func send(_ request: ClientRequest, deadline: Duration) async throws -> ClientResponse {
    let pool = nextPool()
    let loop = pool.loop
    let exchange = ClientExchange(request: request, pool: pool)
    return try await withTaskCancellationHandler {
      try await withUnsafeThrowingContinuation { continuation in
        loop.execute { exchange.begin(continuation, deadline: deadline) }
      }
    } onCancel: {
      loop.execute { exchange.fail(CancellationError()) }
    }
  }

  /// The pool of the loop that the caller runs on, else one after the other.
  private func nextPool() -> ClientPool {
    for pool in pools where pool.loop.isCurrent { return pool }
    let (old, _) = turn.wrappingAdd(1, ordering: .relaxed)
    return pools[Int(UInt(bitPattern: old) % UInt(pools.count))]
  }

  /// Closes all connections; requests that are under way fail.
  package func shutDown() async {
    for pool in pools { await pool.loop.run { pool.closeAll() } }
  }
}
