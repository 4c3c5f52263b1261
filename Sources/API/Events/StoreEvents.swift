// POST .../callflow/events: from the head's fields to a committed batch. Checks follow the contract's order: media
// type, size, content.

import EventStore
import HTTPModel
import HTTPTypes
import Primitives

struct StoreEvents: Sendable {
  private let events: any EventStoring
  private let settings: APISettings
  private let answer: StoreAnswer
  private let metrics: EventMetrics
  private let log: ComponentLog

  init(
    events: any EventStoring, settings: APISettings, metrics: EventMetrics, log: ComponentLog
  ) {
    self.events = events
    self.settings = settings
    self.metrics = metrics
    self.log = log
    answer = StoreAnswer(eventsPath: settings.basePath + "/callflow/events")
  }

  func handle(_ context: RequestContext) async throws -> Response {
    let format = try format(context)
    if let length = context.request.body.declaredLength, length > settings.bodyMaxBytes {
      metrics.reject(.tooLarge)
      throw Problem.tooLarge(limit: settings.bodyMaxBytes)
    }
    let query = try QueryValues(context.head, allowed: context.route.query)
    let isAtomic = try query.boolean("atomic")
    let acknowledge = try acknowledgement(context)
    let empty = events.makeBatch()
    let maxBatch = settings.eventLimits.maxBatch
    let body: EventsBody
    do {
      body = try await context.request.body.withWhole(maxBytes: settings.bodyMaxBytes) { bytes in
        try EventsBody(bytes, format: format, into: empty, maxBatch: maxBatch)
      }
    } catch {
      metrics.reject(Problem(error).code == .payloadTooLarge ? .tooLarge : .malformed)
      throw error
    }
    do {
      return try await commit(body, context, acknowledge, isAtomic: isAtomic)
    } catch {
      log.storeFailed(context, error)
      throw error
    }
  }

  private func commit(
    _ body: EventsBody, _ context: RequestContext, _ acknowledge: Durability?, isAtomic: Bool
  ) async throws -> Response {
    let accepted = body.batch.count
    if accepted != body.results.count { metrics.countRejections(body.results) }
    if body.isSingle, let result = body.results.first, let problem = Problem(result) { throw problem }
    let isWhole = accepted == body.results.count
    guard accepted > 0, isWhole || !isAtomic else {
      log.rejected(context, body.results.count)
      return batchResponse(BatchAnswer(body, stored: nil, acceptedCount: accepted), isAtomic && accepted > 0)
    }
    let reached = try await events.commit(
      body.batch, acknowledge: acknowledge, timeout: settings.acknowledgeTimeout)
    log.stored(context, body.batch, reached)
    let isWeaker = (acknowledge ?? settings.acknowledge) == .objectStore && reached == .journal
    if body.isSingle { return answer.single(body.batch, 0, reached, isWeaker: isWeaker) }
    return batchResponse(BatchAnswer(body, stored: isWeaker ? 202 : 201, acceptedCount: accepted), false)
  }

  /// `isAtomicFailure`: the good events share the fate of the bad ones, and the whole is a 400.
  private func batchResponse(_ answer: BatchAnswer, _ isAtomicFailure: Bool) -> Response {
    let status = isAtomicFailure ? 400 : answer.status
    var fields = FieldBlock(serialized: Self.jsonFields)
    if status == 503 { fields.add(.retryAfter, String(Problem.retrySeconds)) }
    return Response(status: HTTPResponse.Status(code: status), fields: fields, body: .bytes(answer.body))
  }

  static let jsonFields = Array("Content-Type: application/json\r\nCache-Control: no-store\r\n".utf8)

  /// 415 where the body is in a form or coding that is not taken.
  private func format(_ context: RequestContext) throws(Problem) -> EventsBody.Format {
    let fields = context.fields
    if let coding = fields.contentEncoding, !isIdentity(context.head, coding) {
      throw Problem(
        .unsupportedMediaType, "The body's Content-Encoding is not supported; send it without one",
        fields: [(.acceptEncoding, "identity")])
    }
    if fields.isCloudEvent {
      throw mediaProblem("CloudEvents in binary mode (ce- fields) are not supported", context)
    }
    guard let type = fields.contentType else { throw mediaProblem("Content-Type is missing", context) }
    if context.head.bytes(in: type, are: "application/json") { return .json }
    switch MediaType.essence(String(decoding: context.head.bytes[type], as: UTF8.self)) {
    case MediaType.json: return .json
    case MediaType.ndjson: return .lines
    default: throw mediaProblem("Content-Type must be \(context.route.consumes.joined(separator: " or "))", context)
    }
  }

  private func isIdentity(_ head: RequestHead, _ value: Range<Int>) -> Bool {
    value.isEmpty || String(decoding: head.bytes[value], as: UTF8.self).lowercased() == "identity"
  }

  private func mediaProblem(_ message: String, _ context: RequestContext) -> Problem {
    metrics.reject(.mediaType)
    return Problem(
      .unsupportedMediaType, message, fields: [(.accept, context.route.consumes.joined(separator: ", "))])
  }

  /// nil: the configured level.
  private func acknowledgement(_ context: RequestContext) throws(Problem) -> Durability? {
    let fields = context.fields
    if let name = fields.repeated { throw .invalid(name, "\(name) may be given only once", in: .header) }
    if fields.idempotencyKey != nil {
      throw Problem(
        .notImplemented, "The header Idempotency-Key is not supported yet; nothing was stored",
        details: [
          FieldError(field: "Idempotency-Key", message: "Idempotency-Key is not supported yet; nothing was stored")
        ])
    }
    guard let value = fields.acknowledge else { return nil }
    guard context.head.bytes(in: value, are: "object-store") else {
      throw .invalid("Acknowledge", "Acknowledge must be object-store", in: .header)
    }
    return .objectStore
  }
}
