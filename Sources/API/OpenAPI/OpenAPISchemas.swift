// Schemas of what goes in and out, with examples (CONTRACT 3.1 to 3.4).

import EventStore
import Primitives

struct OpenAPISchemas {
  static let eventId = "evt_01M7YJ5X78R7846C3S7N1KTHDC"

  let limits: EventLimits

  var all: JSONValue {
    .object([
      (
        "EventId", ["type": "string", "pattern": "^evt_[0-7][0-9A-HJKMNP-TV-Z]{25}$", "example": .string(Self.eventId)]
      ),
      ("CallId", Self.callId), ("EventType", Self.eventType), ("NewEvent", newEvent), ("Event", Self.event),
      ("Stored", Self.stored), ("BatchResult", Self.batchResult), ("EventPage", Self.eventPage),
      ("Receipt", Self.receipt), ("Health", Self.health), ("Liveness", Self.liveness), ("Error", Self.error),
      ("Problem", Self.problem),
    ])
  }

  private static let callId: JSONValue = [
    "type": "string", "minLength": 1, "maxLength": 256,
    "pattern": #"^[^\u0000-\u001f\u007f-\u009f]+$"#, "example": "call-7f3a",
  ]

  private static let eventType: JSONValue = [
    "type": "string", "minLength": 1, "maxLength": 64, "pattern": "^[A-Za-z0-9_.:-]+$", "example": "answered",
    "description": "Documented: initiated, ringing, answered, hold, resumed, transferred, ended, failed",
  ]

  private static let timestamp: JSONValue = [
    "type": "string", "format": "date-time", "example": "2026-11-21T06:45:00.123Z",
    "description": "RFC 3339 with offset, up to nanoseconds; kept as written",
  ]

  private static let metadata: JSONValue = [
    "type": "object", "additionalProperties": true, "description": "Kept byte for byte",
    "example": ["callerNumber": "+4930123456", "calledNumber": "+4989654321"],
  ]

  private static let idempotencyKey: JSONValue = [
    "type": "string", "minLength": 1, "maxLength": 128, "pattern": #"^[^\u0000-\u001f\u007f-\u009f]+$"#,
    "description": "Events with equal keys, calls, times, types and metadata are one event",
  ]

  private var newEvent: JSONValue {
    [
      "type": "object", "required": ["callId", "eventType", "timestamp"], "additionalProperties": false,
      "description": .string(
        "At most \(limits.maxBytes) bytes. Whatever else belongs to the event goes under metadata."),
      "properties": [
        "callId": .schema("CallId"), "eventType": .schema("EventType"), "timestamp": Self.timestamp,
        "metadata": Self.metadata, "idempotencyKey": Self.idempotencyKey,
      ],
      "example": Self.exampleEvent,
    ]
  }

  private static let exampleEvent: JSONValue = [
    "callId": "call-7f3a", "eventType": "answered", "timestamp": "2026-11-21T06:45:00.123Z",
    "metadata": ["callerNumber": "+4930123456", "calledNumber": "+4989654321"],
  ]

  private static let event: JSONValue = [
    "type": "object", "required": ["eventId", "callId", "eventType", "timestamp", "createdAt"],
    "properties": [
      "eventId": .schema("EventId"), "callId": .schema("CallId"), "eventType": .schema("EventType"),
      "timestamp": timestamp, "createdAt": ["type": "string", "format": "date-time"],
      "idempotencyKey": idempotencyKey, "metadata": metadata,
    ],
  ]

  private static let durability: JSONValue = [
    "type": "string", "enum": ["journal", "object-store"],
    "description": "journal: on this node's disk, survives a power loss; object-store: in the bucket",
  ]

  private static let stored: JSONValue = [
    "type": "object", "required": ["message", "eventId", "callId", "timestamp", "durability"],
    "properties": [
      "message": ["type": "string"], "eventId": .schema("EventId"), "callId": .schema("CallId"),
      "timestamp": timestamp, "durability": durability,
    ],
    "example": [
      "message": "Event stored successfully", "eventId": .string(eventId), "callId": "call-7f3a",
      "timestamp": "2026-11-21T06:45:00.123Z", "durability": "journal",
    ],
  ]

  private static let batchResult: JSONValue = [
    "type": "object", "required": ["stored", "failed", "results"],
    "properties": [
      "stored": ["type": "integer", "minimum": 0], "failed": ["type": "integer", "minimum": 0],
      "results": [
        "type": "array",
        "items": [
          "type": "object", "required": ["index", "status"],
          "properties": [
            "index": ["type": "integer", "minimum": 0], "status": ["type": "integer"],
            "eventId": .schema("EventId"), "error": .schema("Error"),
          ],
        ],
      ],
    ],
  ]

  private static let eventPage: JSONValue = [
    "type": "object", "required": ["events", "count", "nextToken"],
    "properties": [
      "events": ["type": "array", "items": .schema("Event")], "count": ["type": "integer", "minimum": 0],
      "nextToken": [
        "type": "string", "nullable": true,
        "description": "null at the end only: a page may be short although more follow",
      ],
    ],
  ]

  private static let receipt: JSONValue = [
    "type": "object", "required": ["durability", "node", "segment", "offset", "crc32c", "uploadedAt"],
    "properties": [
      "durability": durability, "node": ["type": "string", "pattern": "^[0-9a-f]{10}$"],
      "segment": ["type": "string", "nullable": true, "description": "Key of the object; null before the upload"],
      "offset": [
        "type": "integer", "minimum": 0, "description": "Of the frame in the object, or the record in the journal",
      ],
      "crc32c": ["type": "string", "pattern": "^[0-9a-f]{8}$", "description": "Of the event's line"],
      "uploadedAt": ["type": "string", "format": "date-time", "nullable": true],
    ],
  ]

  private static let health: JSONValue = [
    "type": "object", "required": ["status", "timestamp", "checks"],
    "properties": [
      "status": ["type": "string", "enum": ["healthy", "degraded", "draining", "unhealthy"]],
      "timestamp": ["type": "string", "format": "date-time"],
      "checks": ["type": "object", "additionalProperties": ["type": "string", "enum": ["ok", "failed"]]],
    ],
  ]

  private static let liveness: JSONValue = [
    "type": "object", "required": ["status", "timestamp"],
    "properties": [
      "status": ["type": "string", "enum": ["alive", "stuck"]],
      "timestamp": ["type": "string", "format": "date-time"],
    ],
  ]

  private static let error: JSONValue = [
    "type": "object", "required": ["code", "message", "details"],
    "properties": [
      "code": ["type": "string", "enum": .array(ErrorCode.allCases.map { .string($0.rawValue) })],
      "message": ["type": "string"],
      "details": [
        "type": "array",
        "items": [
          "type": "object", "required": ["field", "message"],
          "properties": ["field": ["type": "string"], "message": ["type": "string"]],
        ],
      ],
    ],
  ]

  private static let problem: JSONValue = [
    "type": "object", "required": ["type", "title", "status", "detail", "requestId", "error"],
    "description": "RFC 9457 problem details that carry the service's error object",
    "properties": [
      "type": ["type": "string"], "title": ["type": "string"], "status": ["type": "integer"],
      "detail": ["type": "string"], "requestId": ["type": "string"], "error": .schema("Error"),
    ],
    "example": [
      "type": "about:blank", "title": "Bad Request", "status": 400, "detail": "callId is required",
      "requestId": "req_0NRZ7Q4E1R2K3M4N5P6Q7R8S9T",
      "error": [
        "code": "VALIDATION_ERROR", "message": "Invalid request body",
        "details": [["field": "callId", "message": "callId is required"]],
      ],
    ],
  ]

  /// Content of the body of a POST.
  static func requestContent(_ mediaType: String) -> JSONValue {
    guard mediaType == MediaType.json else {
      return ["schema": ["type": "string", "description": "One NewEvent a line"]]
    }
    return [
      "schema": ["oneOf": [.schema("NewEvent"), ["type": "array", "minItems": 1, "items": .schema("NewEvent")]]],
      "examples": [
        "one": ["summary": "One event", "value": exampleEvent],
        "several": ["summary": "Several events", "value": [exampleEvent, exampleEvent]],
      ],
    ]
  }
}
