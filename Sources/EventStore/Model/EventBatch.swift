// Events of one request on their way to the commit queue: validated in place and copied once, as the lines that will be
// stored.
//
// Line (no white space between tokens, then a line feed):
//   {"eventId":"evt_...","callId":"...","eventType":"...","timestamp":"...","createdAt":"...",
//    "idempotencyKey":"...","metadata":{...}}
// The last two only where they were given. callId and idempotencyKey are written with the fewest escapes, so equal
// values are equal bytes; timestamp and metadata are kept as sent, but line ends between metadata's tokens become
// spaces: one event stays one line. `createdAt` is a hole of 30 bytes that the commit thread fills.

import Crypto
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
  /// Has an idempotency key, and its id cannot be made: the store's salt is not known yet. Worth a retry.
  case saltUnknown
}

/// Where one line of a batch is and what the commit thread needs of it. Offsets are into the batch's bytes.
struct PendingEvent: Sendable {
  /// `tie` is still 0: the commit thread sets it for unkeyed events.
  var key: EventKey
  var start: UInt32
  /// Without the line feed.
  var length: UInt32
  var callId: Range<UInt32>
  var eventType: Range<UInt32>
  var timestamp: Range<UInt32>
  var createdAt: UInt32
}

package struct EventBatch: Sendable {
  private let limits: EventLimits
  private let now: Int64
  private let random: any RandomSource
  private let salt: [UInt8]?
  /// The lines, each with its line feed.
  private(set) var bytes: [UInt8] = []
  private(set) var events: [PendingEvent] = []

  /// `now`: nanoseconds since 1970, for the window of accepted timestamps. `salt`: the store's, for the ids of keyed
  /// events.
  package init(limits: EventLimits, now: Int64, random: any RandomSource, salt: [UInt8]?) {
    self.limits = limits
    self.now = now
    self.random = random
    self.salt = salt
  }

  package var count: Int { events.count }

  /// Reads one event at the scanner's position. Throws only where the text is not JSON; the scanner is then of no more
  /// use. A value that is JSON but not an acceptable event is skipped and reported.
  package mutating func append(_ scanner: inout JSONScanner) throws(JSONError) -> EventOutcome {
    guard try scanner.peekKind() == .object else {
      _ = try scanner.value()
      return .rejected([FieldError(field: "body", message: "an event must be a JSON object")])
    }
    var members = EventMembers(bytes: scanner.bytes)
    let place = try scanner.object { key, value in members.take(key, value) }
    guard place.end - place.start <= limits.maxBytes else { return .tooLarge }
    guard let event = members.validate(limits: limits, now: now) else { return .rejected(members.errors) }
    return append(event, from: scanner.bytes)
  }

  /// One event that is the whole of `bytes` (a body, an NDJSON line), surrounding white space aside.
  package mutating func append(whole bytes: UnsafeRawBufferPointer) throws(JSONError) -> EventOutcome {
    var scanner = JSONScanner(bytes)
    let before = (self.bytes.count, events.count)
    let outcome = try append(&scanner)
    do {
      try scanner.finish()
    } catch {
      self.bytes.removeLast(self.bytes.count - before.0)
      events.removeLast(events.count - before.1)
      throw error
    }
    return outcome
  }

  private mutating func append(_ event: ValidEvent, from source: UnsafeRawBufferPointer) -> EventOutcome {
    let start = bytes.count
    // Only the first: asked for again and again, exact capacities would copy the array for every event of a batch.
    if start == 0 { bytes.reserveCapacity(event.storedSizeBound) }
    bytes.append(Line.eventIdPrefix)
    let idAt = bytes.count
    bytes.append(Line.hole)
    bytes.append(Line.callIdPrefix)
    let callId = append(literal: event.callId)
    bytes.append(Line.eventTypePrefix)
    let eventType = append(contents: event.eventType)
    bytes.append(Line.timestampPrefix)
    let timestamp = append(contents: event.timestamp)
    bytes.append(Line.createdAtPrefix)
    let createdAt = bytes.count
    bytes.append(Line.hole)
    bytes.append(0x22)
    if let key = event.idempotencyKey {
      bytes.append(Line.idempotencyKeyPrefix)
      _ = append(literal: key)
    }
    if let metadata = event.metadata {
      bytes.append(Line.metadataPrefix)
      append(metadata: UnsafeRawBufferPointer(rebasing: source[metadata]))
    }
    bytes.append(0x7D)
    let length = bytes.count - start
    bytes.append(0x0A)

    guard let id = makeID(event, source) else {
      bytes.removeLast(bytes.count - start)
      return .saltUnknown
    }
    bytes.withUnsafeMutableBytes { id.write(to: $0.baseAddress.unsafelyUnwrapped + idAt) }
    events.append(
      PendingEvent(
        key: EventKey(instant: event.instant, tie: 0, id: id), start: UInt32(start), length: UInt32(length),
        callId: callId, eventType: eventType, timestamp: timestamp, createdAt: UInt32(createdAt)))
    return .accepted(events.count - 1)
  }

  private func makeID(_ event: ValidEvent, _ source: UnsafeRawBufferPointer) -> EventID? {
    let milliseconds = event.instant / 1_000_000
    guard let key = event.idempotencyKey else {
      return EventID(
        milliseconds: milliseconds, callHash: event.callHash, isKeyed: false, unique: random.next())
    }
    guard let salt else { return nil }
    let unique = try? KeyedIdentity.unique(
      salt: salt, key: key, instant: event.instant, eventType: event.eventType,
      metadata: event.metadata.map { UnsafeRawBufferPointer(rebasing: source[$0]) })
    guard let unique else { return nil }
    return EventID(milliseconds: milliseconds, callHash: event.callHash, isKeyed: true, unique: unique)
  }

  private mutating func append(literal text: EventText) -> Range<UInt32> {
    let start = UInt32(bytes.count)
    text.withBytes { contents in
      guard text.isPlain else { return JSONWriter.appendString(contents, to: &bytes) }
      bytes.append(0x22)
      bytes.append(contentsOf: contents)
      bytes.append(0x22)
    }
    return start..<UInt32(bytes.count)
  }

  /// Contents need no escapes; the prefix brought the opening quote.
  private mutating func append(contents text: EventText) -> Range<UInt32> {
    let start = UInt32(bytes.count) - 1
    text.withBytes { bytes.append(contentsOf: $0) }
    return start..<UInt32(bytes.count) + 1
  }

  private mutating func append(metadata: UnsafeRawBufferPointer) {
    let start = bytes.count
    bytes.append(contentsOf: metadata)
    bytes.withUnsafeMutableBytes { Line.replaceLineEnds(UnsafeMutableRawBufferPointer(rebasing: $0[start...])) }
  }

  // MARK: What the API tells the caller

  package func eventId(at index: Int) -> EventID { events[index].key.id }

  /// The JSON string literals (quotes included) of callId and timestamp as they are stored.
  package func callIdLiteral(at index: Int) -> ArraySlice<UInt8> { literal(events[index].callId) }
  package func timestampLiteral(at index: Int) -> ArraySlice<UInt8> { literal(events[index].timestamp) }

  package func eventType(at index: Int) -> String {
    String(decoding: literal(events[index].eventType).dropFirst().dropLast(), as: UTF8.self)
  }

  package func callId(at index: Int) -> String {
    bytes.withUnsafeBytes { bytes in
      let range = events[index].callId
      let slice = JSONSlice(start: Int(range.lowerBound), end: Int(range.upperBound), kind: .string, hasEscapes: true)
      return String(decoding: JSONScanner.decode(slice, in: bytes), as: UTF8.self)
    }
  }

  /// Bytes of the stored line.
  package func size(at index: Int) -> Int { Int(events[index].length) }

  private func literal(_ range: Range<UInt32>) -> ArraySlice<UInt8> {
    bytes[Int(range.lowerBound)..<Int(range.upperBound)]
  }
}

/// Ids of keyed events are the same on every node (CONTRACT 3.1): 23 bits of a hash of the key, 24 of one of key,
/// instant, type and metadata, so that another payload under the same key has another id.
enum KeyedIdentity {
  static func unique(
    salt: [UInt8], key: EventText, instant: Int64, eventType: EventText, metadata: UnsafeRawBufferPointer?
  ) throws(CryptoError) -> UInt64 {
    var input = salt
    key.withBytes { key in
      input.appendLittle(UInt32(key.count))
      input.append(contentsOf: key)
    }
    let keyHash = try SHA256.hash(input)
    input.appendLittle(instant)
    eventType.withBytes { type in
      input.appendLittle(UInt32(type.count))
      input.append(contentsOf: type)
    }
    if let metadata { input.append(contentsOf: metadata) }
    let payloadHash = try SHA256.hash(input)
    let high = UInt64(keyHash[0]) << 15 | UInt64(keyHash[1]) << 7 | UInt64(keyHash[2]) >> 1
    let low = UInt64(payloadHash[0]) << 16 | UInt64(payloadHash[1]) << 8 | UInt64(payloadHash[2])
    return high << 24 | low
  }
}
