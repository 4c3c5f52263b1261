// What a connection knows of the request that it is answering.

import HTTPModel

struct CurrentExchange {
  /// Grows with every beginning and end of a request: a body or writer that a handler kept beyond its own request
  /// finds another number here.
  var number = 0
  var startedAt: Int64 = 0
  var firstByteAt: Int64 = 0
  var bytesIn = 0
  var bytesOut = 0
  /// The client waits for `100 Continue` before it sends the body.
  var awaitsContinue = false
  var bodyHasEnded = true
  /// The body cannot be read to its end, so the connection cannot be used again.
  var bodyHasFailed = false
  /// What is left of the time for waiting for the body.
  var bodyNanoseconds: Int64 = 0
  var isPersistent = true

  mutating func begin(_ request: IncomingRequest, startedAt: Int64, bodyTimeout: Int64) {
    number += 1
    self.startedAt = startedAt
    firstByteAt = 0
    bytesIn = 0
    bytesOut = 0
    awaitsContinue = request.expectsContinue
    bodyHasEnded = request.framing == .length(0)
    bodyHasFailed = false
    bodyNanoseconds = bodyTimeout
    isPersistent = request.isPersistent
  }

  /// The reply is sent: whoever still holds the request's body or writer has no part in what follows.
  mutating func end() { number += 1 }
}
