// The body of a reply, as its reader sees it, from any thread.

import EventLoop
import HTTPModel

final class ClientResponseStream: ClientResponseBody {
  private let exchange: ClientExchange
  private let loop: EventLoop

  init(exchange: ClientExchange, loop: EventLoop) {
    self.exchange = exchange
    self.loop = loop
  }

  /// A reply that nobody read to its end must not hold its connection.
  deinit { cancel() }

  func next() async throws -> [UInt8]? {
    let exchange = exchange
    let loop = loop
    return try await withTaskCancellationHandler {
      try await withUnsafeThrowingContinuation { continuation in
        if loop.isCurrent {
          exchange.next(continuation)
        } else {
          loop.execute { exchange.next(continuation) }
        }
      }
    } onCancel: {
      loop.execute { exchange.fail(CancellationError()) }
    }
  }

  func cancel() {
    let exchange = exchange
    loop.execute { exchange.fail(CancellationError()) }
  }
}
