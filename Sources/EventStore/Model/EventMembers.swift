// The rules of CONTRACT 3.1 for one event, checked on the slices that the scanner found. All broken rules are reported,
// not the first.

import Primitives

/// A string member's UTF-8: in the request's own bytes where it has no escapes, else decoded.
struct EventText {
  private let decoded: [UInt8]?
  private let place: UnsafeRawBufferPointer
  /// The contents need no escape when they are written again.
  let isPlain: Bool

  init(_ slice: JSONSlice, in bytes: UnsafeRawBufferPointer) {
    isPlain = !slice.hasEscapes
    place = UnsafeRawBufferPointer(rebasing: bytes[slice.content])
    decoded = slice.hasEscapes ? JSONScanner.decode(slice, in: bytes) : nil
  }

  func withBytes<R>(_ use: (UnsafeRawBufferPointer) -> R) -> R {
    if let decoded { return decoded.withUnsafeBytes { use($0) } }
    return use(place)
  }

  /// Unicode scalars, or nil where one is a control character (general category Cc).
  var lengthWithoutControls: Int? {
    withBytes { bytes in
      var count = 0
      var previous: UInt8 = 0
      for byte in bytes {
        if byte < 0x20 || byte == 0x7F { return nil }
        // U+0080 to U+009F are C2 80 to C2 9F.
        if previous == 0xC2, byte < 0xA0 { return nil }
        if byte & 0xC0 != 0x80 { count += 1 }
        previous = byte
      }
      return count
    }
  }
}

/// An event that breaks no rule, still in the request's bytes.
struct ValidEvent {
  var callId: EventText
  var callHash: UInt32
  var eventType: EventText
  var timestamp: EventText
  /// Nanoseconds since 1970.
  var instant: Int64
  var idempotencyKey: EventText?
  /// Range of the object in the request's bytes.
  var metadata: Range<Int>?
  /// At least the bytes of the stored line.
  var storedSizeBound: Int
}

struct EventMembers {
  private let bytes: UnsafeRawBufferPointer
  private(set) var errors: [FieldError] = []
  private var callId: JSONSlice?
  private var eventType: JSONSlice?
  private var timestamp: JSONSlice?
  private var metadata: JSONSlice?
  private var idempotencyKey: JSONSlice?
  private var unknown: [String] = []

  /// A text made of nothing but errors must not make an answer many times its own size.
  private static let maxErrors = 32

  init(bytes: UnsafeRawBufferPointer) { self.bytes = bytes }

  /// One top-level member, in the order of the text.
  mutating func take(_ key: JSONSlice, _ value: JSONSlice) {
    if isNamed(key, "callId") {
      Self.set(&callId, value, "callId", &errors)
    } else if isNamed(key, "eventType") {
      Self.set(&eventType, value, "eventType", &errors)
    } else if isNamed(key, "timestamp") {
      Self.set(&timestamp, value, "timestamp", &errors)
    } else if isNamed(key, "metadata") {
      Self.set(&metadata, value, "metadata", &errors)
    } else if isNamed(key, "idempotencyKey") {
      Self.set(&idempotencyKey, value, "idempotencyKey", &errors)
    } else {
      refuse(key)
    }
  }

  private func isNamed(_ key: JSONSlice, _ name: StaticString) -> Bool {
    if key.hasEscapes {
      return JSONScanner.decode(key, in: bytes).elementsEqual(
        UnsafeBufferPointer(start: name.utf8Start, count: name.utf8CodeUnitCount))
    }
    let content = key.content
    guard content.count == name.utf8CodeUnitCount else { return false }
    for index in 0..<content.count where bytes[content.lowerBound + index] != name.utf8Start[index] { return false }
    return true
  }

  private static func set(
    _ member: inout JSONSlice?, _ value: JSONSlice, _ name: String, _ errors: inout [FieldError]
  ) {
    if member != nil { add(name, "\(name) is given twice", &errors) }
    member = value
  }

  private mutating func refuse(_ key: JSONSlice) {
    guard errors.count < Self.maxErrors else { return }
    let name = String(String(decoding: JSONScanner.decode(key, in: bytes), as: UTF8.self).unicodeScalars.prefix(64))
    if unknown.contains(name) { return fail(name, "\(name) is given twice") }
    unknown.append(name)
    if name == "eventId" || name == "createdAt" {
      fail(name, "\(name) is given by the service and must not be sent")
    } else {
      fail(name, "\(name) is not a field of an event: put it under metadata")
    }
  }

  /// The event, or nil with `errors` filled.
  mutating func validate(limits: EventLimits, now: Int64) -> ValidEvent? {
    let callId = text(self.callId, "callId", isRequired: true)
    if let callId { check(callId, "callId", maxLength: 256) }
    let eventType = text(self.eventType, "eventType", isRequired: true)
    if let eventType { check(eventType: eventType) }
    let timestamp = text(self.timestamp, "timestamp", isRequired: true)
    let instant = timestamp.flatMap { check(timestamp: $0, limits: limits, now: now) }
    let key = text(idempotencyKey, "idempotencyKey", isRequired: false)
    if let key { check(key, "idempotencyKey", maxLength: 128) }
    if let metadata, metadata.kind != .object { fail("metadata", "metadata must be a JSON object") }

    guard errors.isEmpty, let callId, let eventType, let timestamp, let instant else { return nil }
    let metadataSize = metadata.map { $0.end - $0.start } ?? 0
    // Decoded text grows at most sixfold when it is escaped again; the rest of the line is below 256 bytes.
    let bound = 256 + 6 * (self.callId?.content.count ?? 0) + 64 + 64 + 6 * (idempotencyKey?.content.count ?? 0)
    return ValidEvent(
      callId: callId, callHash: callId.withBytes { EventID.callHash($0) }, eventType: eventType, timestamp: timestamp,
      instant: instant, idempotencyKey: key, metadata: metadata.map { $0.start..<$0.end },
      storedSizeBound: bound + metadataSize)
  }

  private mutating func fail(_ field: String, _ message: String) {
    Self.add(field, message, &errors)
  }

  private static func add(_ field: String, _ message: String, _ errors: inout [FieldError]) {
    if errors.count < maxErrors { errors.append(FieldError(field: field, message: message)) }
  }

  private mutating func text(_ member: JSONSlice?, _ name: String, isRequired: Bool) -> EventText? {
    guard let member else {
      if isRequired { fail(name, "\(name) is required") }
      return nil
    }
    guard member.kind == .string else {
      fail(name, "\(name) must be a string")
      return nil
    }
    return EventText(member, in: bytes)
  }

  private mutating func check(_ text: EventText, _ name: String, maxLength: Int) {
    guard let length = text.lengthWithoutControls else {
      return fail(name, "\(name) must not contain control characters")
    }
    if !(1...maxLength).contains(length) { fail(name, "\(name) must have 1 to \(maxLength) characters") }
  }

  private mutating func check(eventType: EventText) {
    let isValid = eventType.withBytes { bytes in
      (1...64).contains(bytes.count) && bytes.allSatisfy(EventType.isAllowed)
    }
    if !isValid { fail("eventType", "eventType must have 1 to 64 of the characters A-Z a-z 0-9 _ . : -") }
  }

  private mutating func check(timestamp: EventText, limits: EventLimits, now: Int64) -> Int64? {
    guard let instant = timestamp.withBytes({ RFC3339.parse($0) }) else {
      fail(
        "timestamp",
        "timestamp must be an RFC 3339 date-time with an offset and at most 9 fraction digits, "
          + "such as 2026-01-15T10:30:00.000Z")
      return nil
    }
    let second: Int64 = 1_000_000_000
    let oldest = max(0, now - Int64(limits.maxAgeDays) * 86_400 * second)
    if instant < oldest {
      fail("timestamp", "timestamp must not be older than \(limits.maxAgeDays) days (events.max_age_days)")
    } else if instant > now + Int64(limits.maxFutureSeconds) * second {
      fail(
        "timestamp",
        "timestamp must not be more than \(limits.maxFutureSeconds) seconds ahead (events.max_future_seconds)")
    } else {
      return instant
    }
    return nil
  }
}

package enum EventType {
  /// `A-Z a-z 0-9 _ . : -`
  package static func isAllowed(_ byte: UInt8) -> Bool {
    switch byte {
    case 0x41...0x5A, 0x61...0x7A, 0x30...0x39, 0x5F, 0x2E, 0x3A, 0x2D: true
    default: false
    }
  }
}
