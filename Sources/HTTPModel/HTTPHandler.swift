// The two one-method seams of the server side: who answers, and who is told how it went.

import HTTPTypes
import Primitives

package protocol HTTPHandler: Sendable {
  /// Runs on the connection's loop. A body that it does not read is skipped if short, else the connection closes after
  /// the reply.
  func handle(_ request: Request) async -> Response

  /// The reply to input that never became a request (bad framing, bounds, head deadline). The connection closes after
  /// it.
  func refuse(_ refusal: Refusal, requestID: String) -> Response
}

/// Why the transport itself refuses. `status` is the HTTP status of the reply.
package struct Refusal: Error, Equatable, Sendable {
  package let status: Int
  /// One English sentence for `detail`.
  package let reason: String

  package init(status: Int, reason: String) {
    self.status = status
    self.reason = reason
  }
}

/// One finished request-reply pair.
package struct Exchange: Sendable {
  /// nil where the input never became a request.
  package let head: RequestHead?
  package let requestID: String
  package let clientAddress: String
  package let status: Int
  /// Body bytes received and head and body bytes sent.
  package let bytesIn: Int
  package let bytesOut: Int
  /// Monotonic nanoseconds from the first byte of the head to the first byte of the reply, and to its last.
  package let nanosecondsToFirstByte: Int64
  package let nanosecondsToLastByte: Int64
  package let notes: ExchangeNotes

  package init(
    head: RequestHead?, requestID: String, clientAddress: String, status: Int, bytesIn: Int, bytesOut: Int,
    nanosecondsToFirstByte: Int64, nanosecondsToLastByte: Int64, notes: ExchangeNotes
  ) {
    self.head = head
    self.requestID = requestID
    self.clientAddress = clientAddress
    self.status = status
    self.bytesIn = bytesIn
    self.bytesOut = bytesOut
    self.nanosecondsToFirstByte = nanosecondsToFirstByte
    self.nanosecondsToLastByte = nanosecondsToLastByte
    self.notes = notes
  }
}

/// Called on the loop thread: must only count and queue.
package protocol ExchangeObserver: Sendable {
  func exchangeEnded(_ exchange: Exchange)
  func connectionsChanged(by change: Int)
}
