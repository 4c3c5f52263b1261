// An error on its way to the caller: RFC 9457 problem details that carry the service's own error object (CONTRACT 3).

import EventStore
import HTTPModel
import HTTPTypes
import Primitives

/// Thrown by whatever finds that a request cannot be answered; becomes a response in one place.
package struct Problem: Error, Sendable {
  package var code: ErrorCode
  /// One line for the kind of failure: `error.message`.
  package var message: String
  /// What exactly is wrong, field by field.
  package var details: [FieldError]
  /// Fields of the reply besides those that every error has.
  package var fields: [(name: HTTPField.Name, value: String)]

  package init(
    _ code: ErrorCode, _ message: String, details: [FieldError] = [],
    fields: [(name: HTTPField.Name, value: String)] = []
  ) {
    self.code = code
    self.message = message
    self.details = details
    self.fields = fields
  }

  /// One sentence that says most: the first broken rule where there is one.
  package var detail: String { details.first?.message ?? message }

  /// A 400 that names one field.
  static func invalid(_ field: String, _ message: String, in place: InvalidPlace) -> Problem {
    Problem(.validation, place.rawValue, details: [FieldError(field: field, message: message)])
  }

  enum InvalidPlace: String {
    case body = "Invalid request body"
    case query = "Invalid query parameters"
    case header = "Invalid header field"
    case path = "Invalid path"
  }

  /// Seconds until a try may make sense: a commit or an upload later, and the balancer may have found another node.
  static let retrySeconds = 5

  static func unavailable(_ message: String, seconds: Int = retrySeconds) -> Problem {
    Problem(.storeUnavailable, message, fields: [(.retryAfter, String(seconds))])
  }

  static let shuttingDown = Problem(
    .shuttingDown, "This node is shutting down", fields: [(.retryAfter, String(retrySeconds))])

  static func tooLarge(limit: Int) -> Problem {
    Problem(.payloadTooLarge, "The body is larger than \(limit) bytes")
  }
}

extension Problem {
  package func response(requestID: String) -> Response {
    var block = FieldBlock(serialized: Self.commonFields)
    for field in fields { block.add(field.name, field.value) }
    return Response(
      status: HTTPResponse.Status(code: code.status, reasonPhrase: code.title), fields: block,
      body: .bytes(document(requestID: requestID)))
  }

  private static let commonFields = Array(
    "Content-Type: application/problem+json\r\nCache-Control: no-store\r\n".utf8)

  package func document(requestID: String) -> [UInt8] {
    var out: [UInt8] = []
    out.reserveCapacity(384)
    out.append(contentsOf: #"{"type":"about:blank","title":"#.utf8)
    JSONWriter.appendString(code.title, to: &out)
    out.append(contentsOf: #","status":\#(code.status),"detail":"#.utf8)
    JSONWriter.appendString(detail, to: &out)
    out.append(contentsOf: #","requestId":"#.utf8)
    JSONWriter.appendString(requestID, to: &out)
    out.append(contentsOf: #","error":"#.utf8)
    appendErrorObject(to: &out)
    out.append(UInt8(ascii: "}"))
    return out
  }

  /// `{"code","message","details"}`, alone for the items of a batch.
  func appendErrorObject(to out: inout [UInt8]) {
    out.append(contentsOf: #"{"code":""#.utf8)
    out.append(contentsOf: code.rawValue.utf8)
    out.append(contentsOf: #"","message":"#.utf8)
    JSONWriter.appendString(message, to: &out)
    out.append(contentsOf: #","details":["#.utf8)
    for (index, detail) in details.enumerated() {
      if index > 0 { out.append(UInt8(ascii: ",")) }
      out.append(contentsOf: #"{"field":"#.utf8)
      JSONWriter.appendString(detail.field, to: &out)
      out.append(contentsOf: #","message":"#.utf8)
      JSONWriter.appendString(detail.message, to: &out)
      out.append(UInt8(ascii: "}"))
    }
    out.append(contentsOf: "]}".utf8)
  }
}

/// What other modules throw, as problems.
extension Problem {
  init(_ error: any Error) {
    switch error {
    case let problem as Problem: self = problem
    case let error as EventStoreError: self = Self.from(error)
    case let error as BodyError: self = Self.from(error)
    default: self = Problem(.internalError, "Something went wrong on our side; the request id finds it in the log")
    }
  }

  /// The store's own words name endpoints and files: they belong in the log, not in a reply.
  private static func from(_ error: EventStoreError) -> Problem {
    switch error {
    case .cannotStore: unavailable("No event can be made durable at the moment")
    case .unavailable: unavailable("The object store does not answer")
    case .busy: unavailable("Too many queries at once", seconds: 1)
    case .shuttingDown: shuttingDown
    }
  }

  private static func from(_ error: BodyError) -> Problem {
    switch error {
    case .tooLarge(let limit): tooLarge(limit: limit)
    case .truncated: Problem(.malformedRequest, "The body ended before its declared length")
    case .malformed(let reason): Problem(.malformedRequest, "The body's framing is broken: \(reason)")
    case .timedOut: Problem(.requestTimeout, "The body did not arrive in time")
    case .overloaded: unavailable("Too many bytes are buffered", seconds: 1)
    }
  }
}
