// The answers to POST .../events (CONTRACT 3.2), assembled as bytes: the hot path makes two arrays, fields and body,
// and no string.

import EventStore
import HTTPModel
import HTTPTypes
import Primitives

/// Bytes of the fields that are the same for every event, made once.
struct StoreAnswer: Sendable {
  private let location: [UInt8]
  private let linkStart: [UInt8]

  init(eventsPath: String) {
    location = Array("Content-Type: application/json\r\nCache-Control: no-store\r\nLocation: \(eventsPath)/".utf8)
    linkStart = Array("Link: <\(eventsPath)/".utf8)
  }

  private static let linkEnd = Array("/receipt>; rel=\"status\"\r\n".utf8)
  private static let bodyStart = Array(#"{"message":"Event stored successfully","eventId":""#.utf8)
  private static let callId = Array(#"","callId":"#.utf8)
  private static let timestamp = Array(#","timestamp":"#.utf8)
  private static let durability = Array(#","durability":""#.utf8)
  private static let end = Array("\"}".utf8)

  /// 201, or 202 with a link to the receipt where less was reached than was asked for.
  func single(_ batch: EventBatch, _ index: Int, _ durability: Durability, isWeaker: Bool) -> Response {
    let id = batch.eventId(at: index)
    var lines: [UInt8] = []
    lines.reserveCapacity(location.count + EventID.textLength + 2 + (isWeaker ? 128 : 0))
    lines.append(contentsOf: location)
    id.append(to: &lines)
    lines.append(0x0D)
    lines.append(0x0A)
    if isWeaker {
      lines.append(contentsOf: linkStart)
      id.append(to: &lines)
      lines.append(contentsOf: Self.linkEnd)
    }
    let callId = batch.callIdLiteral(at: index)
    let timestamp = batch.timestampLiteral(at: index)
    var body: [UInt8] = []
    body.reserveCapacity(160 + callId.count + timestamp.count)
    body.append(contentsOf: Self.bodyStart)
    id.append(to: &body)
    body.append(contentsOf: Self.callId)
    body.append(contentsOf: callId)
    body.append(contentsOf: Self.timestamp)
    body.append(contentsOf: timestamp)
    body.append(contentsOf: Self.durability)
    var name = durability.rawValue
    name.withUTF8 { body.append(contentsOf: $0) }
    body.append(contentsOf: Self.end)
    return Response(
      status: isWeaker ? .accepted : .created, fields: FieldBlock(serialized: lines), body: .bytes(body))
  }
}

extension EventID {
  func append(to out: inout [UInt8]) {
    withUnsafeTemporaryAllocation(byteCount: Self.textLength, alignment: 1) { text in
      guard let base = text.baseAddress else { return }
      write(to: base)
      out.append(contentsOf: text)
    }
  }
}

/// The answer to an array or to lines: one result an event.
struct BatchAnswer {
  /// The status of the whole: what all have in common, 207 where some were stored and some not.
  private(set) var status: Int
  private(set) var body: [UInt8] = []

  /// `stored`: the status of the events that were stored, 201 or 202; nil where none was.
  init(_ events: EventsBody, stored: Int?, acceptedCount: Int) {
    let storedCount = stored == nil ? 0 : acceptedCount
    let failedCount = events.results.count - storedCount
    status = 0
    body.reserveCapacity(64 + storedCount * 72 + failedCount * 192)
    body.append(contentsOf: #"{"stored":\#(storedCount),"failed":\#(failedCount),"results":["#.utf8)
    var common: Int?
    var isCommon = true
    for (index, result) in events.results.enumerated() {
      if index > 0 { body.append(Ascii.comma) }
      let itemStatus = append(result, index, events.batch, stored: stored)
      isCommon = isCommon && (common ?? itemStatus) == itemStatus
      common = itemStatus
    }
    body.append(contentsOf: "]}".utf8)
    if isCommon, let common {
      status = common
    } else {
      status = storedCount > 0 ? 207 : 400
    }
  }

  private mutating func append(_ result: EventResult, _ index: Int, _ batch: EventBatch, stored: Int?) -> Int {
    body.append(contentsOf: #"{"index":"#.utf8)
    appendDecimal(index)
    body.append(contentsOf: #","status":"#.utf8)
    if case .accepted(let place) = result, let stored {
      appendDecimal(stored)
      body.append(contentsOf: #","eventId":""#.utf8)
      batch.eventId(at: place).append(to: &body)
      body.append(contentsOf: "\"}".utf8)
      return stored
    }
    let problem = Problem(result) ?? Problem(.notStored, "Not stored, because another event of the request was refused")
    appendDecimal(problem.code.status)
    body.append(contentsOf: #","error":"#.utf8)
    problem.appendErrorObject(to: &body)
    body.append(Ascii.closeBrace)
    return problem.code.status
  }

  private mutating func appendDecimal(_ number: Int) {
    if number >= 10 { appendDecimal(number / 10) }
    body.append(Ascii.zero + UInt8(number % 10))
  }
}

extension Problem {
  /// Why an event was refused; nil where it was not.
  init?(_ result: EventResult) {
    switch result {
    case .accepted: return nil
    case .rejected(let errors): self = Problem(.validation, "Invalid request body", details: errors)
    case .tooLarge: self = Problem(.payloadTooLarge, "The event is too large")
    case .malformed(let error): self = EventsBody.malformed(error)
    case .saltUnknown:
      self = .unavailable("The object store was not reached yet, and events with idempotencyKey need its salt")
    }
  }
}
