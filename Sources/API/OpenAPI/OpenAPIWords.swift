// What operations and parameters mean, in words and schemas, by endpoint and by name.

import Primitives

struct OperationWords {
  let summary: String
  let description: String
  let isAboutEvents: Bool

  private init(_ summary: String, _ description: String, isAboutEvents: Bool = false) {
    self.summary = summary
    self.description = description
    self.isAboutEvents = isAboutEvents
  }

  static func of(_ endpoint: Endpoint) -> OperationWords {
    switch endpoint {
    case .storeEvents:
      OperationWords(
        "Store events",
        "One event as an object, or several as an array or as lines of NDJSON. The answer has the form of the body: an "
          + "object is answered for itself, everything else by a result for each event. 2xx means that the events "
          + "survive a crash and a power loss.", isAboutEvents: true)
    case .listEvents:
      OperationWords(
        "Find events", "Events by call, type and time, in order of time. Follow nextToken until it is null.",
        isAboutEvents: true)
    case .getEvent: OperationWords("Read one event", "The event as it was stored.", isAboutEvents: true)
    case .getReceipt:
      OperationWords(
        "Read the receipt of an event", "Where the event is stored, and how durably.", isAboutEvents: true)
    case .health, .readiness:
      OperationWords(
        "Health", "200 while events are taken, `degraded` when the object store is out of reach; 503 when none can be.")
    case .liveness: OperationWords("Liveness", "200 while the event loops turn.")
    case .openAPI: OperationWords("This document", "OpenAPI 3.0.3, made from the service's own route table.")
    case .metrics: OperationWords("Metrics", "All metrics as Prometheus text.")
    }
  }
}

struct ParameterWords {
  let description: String
  let schema: JSONValue

  private init(_ description: String, _ schema: JSONValue) {
    self.description = description
    self.schema = schema
  }

  static func of(_ name: String) -> ParameterWords {
    switch name {
    case "callId": ParameterWords("Only events of this call", .schema("CallId"))
    case "eventType": ParameterWords("Only events of these types; may be repeated", .schema("EventType"))
    case "startTime":
      ParameterWords("Only events at or after this time", ["type": "string", "format": "date-time"])
    case "endTime": ParameterWords("Only events before this time", ["type": "string", "format": "date-time"])
    case "limit":
      ParameterWords(
        "Events a page",
        [
          "type": "integer", "minimum": 1, "maximum": .integer(ReadEvents.maxLimit),
          "default": .integer(ReadEvents.defaultLimit),
        ])
    case "order": ParameterWords("Order of time", ["type": "string", "enum": ["asc", "desc"], "default": "asc"])
    case "nextToken":
      ParameterWords("Continues the query that gave this token", ["type": "string", "pattern": "^[A-Za-z0-9_-]+$"])
    case "consistency":
      ParameterWords(
        "strong: everything that was uploaded before the request is seen",
        ["type": "string", "enum": ["strong", "eventual"], "default": "eventual"])
    case "atomic":
      ParameterWords(
        "Store all events of the body or none", ["type": "string", "enum": ["true", "false"], "default": "false"])
    default: ParameterWords(name, ["type": "string"])
    }
  }
}
