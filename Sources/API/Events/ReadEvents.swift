// GET .../callflow/events: one page of a query, and the token of the next.

import EventStore
import HTTPModel
import HTTPTypes
import Primitives

struct ReadEvents: Sendable {
  static let defaultLimit = 100
  static let maxLimit = 1_000
  /// Values of eventType in one query.
  static let maxEventTypes = 64

  private let events: any EventStoring
  private let log: ComponentLog

  init(events: any EventStoring, log: ComponentLog) {
    self.events = events
    self.log = log
  }

  func list(_ context: RequestContext) async throws -> Response {
    let values = try QueryValues(context.head, allowed: context.route.query)
    var query = try Self.query(values)
    if let token = values["nextToken"] {
      guard let position = try cursor(query).position(of: token) else {
        throw Problem.invalid("nextToken", "nextToken does not belong to this query", in: .query)
      }
      query.after = position
    }
    do {
      let page = try await events.query(query)
      let token = try page.next.map { key in try cursor(query).token(after: key) }
      log.retrieved(context, query, page)
      return Response(
        status: .ok, fields: FieldBlock(serialized: StoreEvents.jsonFields), body: .bytes(Self.document(page, token)))
    } catch {
      log.queryFailed(context, query, error)
      throw error
    }
  }

  private func cursor(_ query: EventQuery) throws(Problem) -> PageCursor {
    guard let salt = events.salt else {
      throw .unavailable("The object store was not reached yet, and pages need its salt")
    }
    return PageCursor(salt: salt, query: query)
  }

  static func query(_ values: QueryValues) throws(Problem) -> EventQuery {
    var query = EventQuery()
    if let callId = values["callId"] {
      guard EventFieldRules.isCallId(callId) else {
        throw .invalid("callId", "callId must have 1 to 256 characters and no control characters", in: .query)
      }
      query.callId = Array(callId.utf8)
    }
    query.eventTypes = Array(Set(values.all("eventType"))).sorted()
    guard query.eventTypes.allSatisfy(EventFieldRules.isEventType) else {
      throw .invalid("eventType", "eventType must be 1 to 64 of A-Z a-z 0-9 _ . : -", in: .query)
    }
    guard query.eventTypes.count <= maxEventTypes else {
      throw .invalid("eventType", "eventType may be given at most \(maxEventTypes) times", in: .query)
    }
    query.start = try values.time("startTime")
    query.end = try values.time("endTime")
    if let start = query.start, let end = query.end, end < start {
      throw .invalid("endTime", "endTime must not be before startTime", in: .query)
    }
    query.limit = try values.integer("limit", in: 1...maxLimit) ?? defaultLimit
    query.order = try values.choice("order", of: ["asc", "desc"]) == "desc" ? .descending : .ascending
    query.isStrong = try values.choice("consistency", of: ["strong", "eventual"]) == "strong"
    return query
  }

  static func document(_ page: EventPage, _ token: String?) -> [UInt8] {
    var out: [UInt8] = []
    out.reserveCapacity(page.lines.reduce(192) { $0 + $1.count + 1 })
    out.append(contentsOf: #"{"events":["#.utf8)
    for (index, line) in page.lines.enumerated() {
      if index > 0 { out.append(Ascii.comma) }
      out.append(contentsOf: line)
    }
    out.append(contentsOf: #"],"count":\#(page.lines.count),"nextToken":"#.utf8)
    // base64url needs no escapes.
    out.append(contentsOf: token.map { "\"\($0)\"}" }?.utf8 ?? "null}".utf8)
    return out
  }
}

/// The rules of CONTRACT 3.1 for what a query may ask for: nothing else can be stored.
enum EventFieldRules {
  static func isCallId(_ text: String) -> Bool {
    (1...256).contains(text.unicodeScalars.count)
      && text.unicodeScalars.allSatisfy { $0.properties.generalCategory != .control }
  }

  static func isEventType(_ text: String) -> Bool {
    (1...64).contains(text.utf8.count) && text.utf8.allSatisfy(EventType.isAllowed)
  }
}
