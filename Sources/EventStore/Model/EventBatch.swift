// Events of one request on their way to the commit queue: validated in place and copied once, as the lines that will be stored.
//
// Line: {"eventId":"evt_...","callId":"...","eventType":"...","timestamp":"...","createdAt":"...","metadata":{...},"idempotencyKey":"..."}
// with the last two only where they were given. `createdAt` is a hole of 30 bytes that the commit thread fills.

import Primitives

/// One broken rule of CONTRACT 3.1.
package struct FieldError: Sendable, Equatable {
  package var field: String
  package var message: String

  package init(field: String, message: String) {
    self.field = field
    self.message = message
  }
}

package struct EventLimits: Sendable {
  /// Bytes of one event as sent.
  package var maxBytes = 256 << 10
  package var maxBatch = 10_000
  package var maxAgeDays = 3650
  package var maxFutureSeconds = 86_400

  package init() {}
}

package enum EventOutcome: Sendable, Equatable {
  /// Index of the event in the batch.
  case accepted(Int)
  case rejected([FieldError])
  /// Larger than `maxBytes`.
  case tooLarge
}

package struct EventBatch: Sendable {
  /// `now`: nanoseconds since 1970, for the window of accepted timestamps.
  package init(limits: EventLimits, now: Int64, random: any RandomSource) { preconditionFailure("being built") }

  package var count: Int { preconditionFailure("being built") }

  /// Reads one event at the scanner's position. Throws only where the text is not JSON; the scanner is then of no more use. A value
  /// that is JSON but not an acceptable event is skipped and reported.
  package mutating func append(_ scanner: inout JSONScanner) throws(JSONError) -> EventOutcome {
    preconditionFailure("being built")
  }

  /// One event that is the whole of `bytes` (a body, an NDJSON line), surrounding whitespace aside.
  package mutating func append(whole bytes: UnsafeRawBufferPointer) throws(JSONError) -> EventOutcome {
    preconditionFailure("being built")
  }

  /// `evt_` and 26 characters.
  package func eventId(at index: Int) -> EventID { preconditionFailure("being built") }

  /// The JSON string literals (quotes included) of callId and timestamp as they are stored.
  package func callIdLiteral(at index: Int) -> ArraySlice<UInt8> { preconditionFailure("being built") }
  package func timestampLiteral(at index: Int) -> ArraySlice<UInt8> { preconditionFailure("being built") }
  package func eventType(at index: Int) -> String { preconditionFailure("being built") }
  package func callId(at index: Int) -> String { preconditionFailure("being built") }
  /// Bytes of the stored line.
  package func size(at index: Int) -> Int { preconditionFailure("being built") }
}
