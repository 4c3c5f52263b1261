// GET .../callflow/events/{eventId} and its receipt.

import EventStore
import HTTPModel
import HTTPTypes
import Primitives

struct ReadEvent: Sendable {
  private let events: any EventStoring
  private let log: ComponentLog

  init(events: any EventStoring, log: ComponentLog) {
    self.events = events
    self.log = log
  }

  func event(_ context: RequestContext) async throws -> Response {
    let id = try id(context)
    guard let line = try await found(id, context, events.event) else { throw Self.unknown }
    log.retrievedOne(context)
    let tag = EntityTag.of(line)
    var fields = FieldBlock(serialized: Self.fields)
    fields.add(.eTag, tag)
    if let condition = context.fields.ifNoneMatch,
      EntityTag.matches(String(decoding: context.head.bytes[condition], as: UTF8.self), tag)
    {
      return Response(status: .notModified, fields: fields)
    }
    fields.add(.contentType, MediaType.json)
    return Response(status: .ok, fields: fields, body: .bytes(line))
  }

  /// An event never changes, but who may read it does: whoever keeps a copy asks again.
  private static let fields = Array("Cache-Control: private, no-cache\r\n".utf8)

  func receipt(_ context: RequestContext) async throws -> Response {
    let id = try id(context)
    guard let receipt = try await found(id, context, events.receipt) else { throw Self.unknown }
    let document = JSONValue.object([
      ("durability", .string(receipt.durability.rawValue)),
      ("node", .string(receipt.node)),
      ("segment", receipt.segment.map(JSONValue.string) ?? .null),
      ("offset", .number(String(receipt.offset))),
      ("crc32c", .string(Self.hex(receipt.crc32c))),
      ("uploadedAt", receipt.uploadedAt.map { .string(RFC3339.string($0, fractionDigits: 3)) } ?? .null),
    ])
    return Response(
      status: .ok, fields: FieldBlock(serialized: StoreEvents.jsonFields), body: .bytes(document.serialized()))
  }

  private func found<Found>(
    _ id: EventID, _ context: RequestContext, _ read: (EventID) async throws -> Found?
  ) async throws -> Found? {
    do {
      return try await read(id)
    } catch {
      log.readFailed(context, "eventId", error)
      throw error
    }
  }

  private func id(_ context: RequestContext) throws(Problem) -> EventID {
    _ = try QueryValues(context.head, allowed: context.route.query)
    let raw = context.parameters.first.map { context.head.bytes[$0] } ?? []
    guard let text = PercentCoding.decode(raw, plusIsSpace: false), let id = text.withUnsafeBytes({ EventID($0) })
    else {
      throw .invalid("eventId", "eventId must be evt_ and 26 characters", in: .path)
    }
    return id
  }

  private static let unknown = Problem(.notFound, "No event has this id")

  private static func hex(_ value: UInt32) -> String { Hex.string(withUnsafeBytes(of: value.bigEndian) { Array($0) }) }
}

/// Strong entity tags (RFC 9110, 8.8.3) of what is sent, from its bytes.
enum EntityTag {
  static func of(_ bytes: [UInt8]) -> String {
    let checksum = withUnsafeBytes(of: CRC32C.checksum(bytes).bigEndian) { Hex.string($0) }
    return "\"\(checksum)-\(String(bytes.count, radix: 16))\""
  }

  /// If-None-Match: `*` or a list, compared weakly (RFC 9110, 13.1.2).
  static func matches(_ condition: String, _ tag: String) -> Bool {
    condition.split(separator: ",").contains { entry in
      var entry = entry.drop { $0 == " " || $0 == "\t" }
      while entry.last == " " || entry.last == "\t" { entry.removeLast() }
      if entry.hasPrefix("W/") { entry = entry.dropFirst(2) }
      return entry == "*" || entry == tag
    }
  }
}
