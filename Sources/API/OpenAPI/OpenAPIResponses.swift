// Responses: the good ones by endpoint, the errors by code from the one error table.

import Primitives

enum OpenAPIResponses {
  static let headers: JSONValue = [
    "RequestId": ["description": "The request's id, the caller's own where it sent one", "schema": ["type": "string"]],
    "RetryAfter": ["description": "Seconds until a new try makes sense", "schema": ["type": "integer"]],
    "WWWAuthenticate": ["description": "How to authenticate", "schema": ["type": "string"]],
    "Location": ["description": "Path of the event", "schema": ["type": "string"]],
    "Link": ["description": "The event's receipt, rel=status", "schema": ["type": "string"]],
    "ETag": ["description": "Changes when the event's representation does", "schema": ["type": "string"]],
  ]

  private static let requestId: (String, JSONValue) = ("X-Request-Id", .reference("headers", "RequestId"))

  // MARK: Errors

  /// One entry for each status of the error table.
  static var problems: JSONValue {
    var entries: [(String, JSONValue)] = []
    for code in ErrorCode.allCases where !entries.contains(where: { $0.0 == name(code) }) {
      let codes = ErrorCode.allCases.filter { $0.status == code.status }.map(\.rawValue)
      entries.append(
        (
          name(code),
          [
            "description": .string("\(code.title): \(codes.joined(separator: " or "))"),
            "headers": .object([requestId] + extraHeaders(code.status)),
            "content": content(MediaType.problem, .schema("Problem")),
          ]
        ))
    }
    return .object(entries)
  }

  /// Named by title, because several codes may share a status.
  private static func name(_ code: ErrorCode) -> String { code.title.split(separator: " ").joined() }

  private static func extraHeaders(_ status: Int) -> [(String, JSONValue)] {
    switch status {
    case 401, 403: [("WWW-Authenticate", .reference("headers", "WWWAuthenticate"))]
    case 429, 503: [("Retry-After", .reference("headers", "RetryAfter"))]
    default: []
    }
  }

  /// What a route can answer besides success.
  static func errors(_ route: Route) -> [ErrorCode] {
    var codes: [ErrorCode] = [.validation, .notAcceptable, .internalError]
    if route.scope != nil { codes += [.unauthorized, .forbidden, .storeUnavailable] }
    if !route.consumes.isEmpty {
      codes += [.requestTimeout, .payloadTooLarge, .unsupportedMediaType, .notImplemented]
    }
    if route.template.contains("{") { codes.append(.notFound) }
    return codes.sorted { $0.status < $1.status }
  }

  // MARK: Operations

  static func of(_ route: Route) -> JSONValue {
    var entries = successes(route.endpoint)
    for code in errors(route) where !entries.contains(where: { $0.0 == String(code.status) }) {
      entries.append((String(code.status), .reference("responses", name(code))))
    }
    return .object(entries.sorted { $0.0 < $1.0 })
  }

  private static func successes(_ endpoint: Endpoint) -> [(String, JSONValue)] {
    switch endpoint {
    case .storeEvents: storeEvents
    case .listEvents: [("200", json("A page of events", "EventPage"))]
    case .getEvent:
      [
        ("200", json("The event", "Event", headers: [("ETag", .reference("headers", "ETag"))])),
        (
          "304",
          ["description": "Not modified", "headers": .object([requestId, ("ETag", .reference("headers", "ETag"))])]
        ),
      ]
    case .getReceipt: [("200", json("The receipt", "Receipt"))]
    case .health, .readiness:
      [("200", json("Events are taken", "Health")), ("503", json("No event can be taken", "Health", headers: retry))]
    case .liveness:
      [("200", json("The loops turn", "Liveness")), ("503", json("A loop is stuck", "Liveness", headers: retry))]
    case .openAPI:
      [("200", response("The document", content(MediaType.json, ["type": "object"])))]
    case .metrics:
      [("200", response("Prometheus text", content("text/plain", ["type": "string"])))]
    }
  }

  private static let retry: [(String, JSONValue)] = [("Retry-After", .reference("headers", "RetryAfter"))]

  private static var storeEvents: [(String, JSONValue)] {
    let location: [(String, JSONValue)] = [("Location", .reference("headers", "Location"))]
    let link: [(String, JSONValue)] = [("Link", .reference("headers", "Link"))]
    let either = content(MediaType.json, ["oneOf": [.schema("Stored"), .schema("BatchResult")]])
    let none: JSONValue = [
      "application/json": ["schema": .schema("BatchResult")],
      "application/problem+json": ["schema": .schema("Problem")],
    ]
    return [
      ("201", response("All events are stored", either, location)),
      (
        "202",
        response("All are in the journal; the object store did not answer in time", either, location + link)
      ),
      ("207", json("Some events are stored", "BatchResult")),
      ("400", response("No event is stored: VALIDATION_ERROR or MALFORMED_REQUEST", none)),
      ("413", response("PAYLOAD_TOO_LARGE: the body, its number of events, or every event", none)),
      ("503", response("STORE_UNAVAILABLE or SHUTTING_DOWN", none, retry)),
    ]
  }

  private static func content(_ mediaType: String, _ schema: JSONValue) -> JSONValue {
    .object([(mediaType, .object([("schema", schema)]))])
  }

  private static func response(_ text: String, _ content: JSONValue, _ headers: [(String, JSONValue)] = []) -> JSONValue
  {
    ["description": .string(text), "headers": .object([requestId] + headers), "content": content]
  }

  private static func json(_ text: String, _ schema: String, headers: [(String, JSONValue)] = []) -> JSONValue {
    response(text, content(MediaType.json, .schema(schema)), headers)
  }
}
