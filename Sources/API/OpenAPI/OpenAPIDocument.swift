// The OpenAPI 3.0.3 document, made from the route table: a path, method, scope, parameter or media type stands in the
// table once and appears here because of that. What a table cannot say (words, schemas, examples) is in the files
// beside this one.

import Auth
import EventStore
import HTTPTypes
import Primitives

package struct OpenAPIDocument: Sendable {
  package let value: JSONValue

  package init(routes: [Route], settings: APISettings) {
    let schemas = OpenAPISchemas(limits: settings.eventLimits)
    var templates: [String] = []
    for route in routes where !templates.contains(route.template) { templates.append(route.template) }
    let paths = templates.map { template in
      let own = routes.filter { $0.template == template }
      return (template, JSONValue.object(own.map { ($0.method.rawValue.lowercased(), Self.operation($0, settings)) }))
    }
    value = [
      "openapi": "3.0.3",
      "info": Self.info(settings),
      "servers": [["url": "/"]],
      "tags": Self.tags,
      "paths": .object(paths),
      "components": [
        "securitySchemes": Self.securitySchemes,
        "headers": OpenAPIResponses.headers,
        "responses": OpenAPIResponses.problems,
        "schemas": schemas.all,
      ],
    ]
  }

  package func serialized() -> [UInt8] { value.serialized() }

  private static func info(_ settings: APISettings) -> JSONValue {
    let limits = settings.eventLimits
    let limitWords = [
      "a body has at most \(settings.bodyMaxBytes) bytes and \(limits.maxBatch) events",
      "an event at most \(limits.maxBytes) bytes and 64 levels of nesting",
      "a timestamp is at most \(limits.maxAgeDays) days old and \(limits.maxFutureSeconds) seconds ahead",
      "a page has 1 to \(ReadEvents.maxLimit) events, \(ReadEvents.defaultLimit) by default",
    ]
    let text = """
      Events of telephone calls: stored durably, read back per event, per call and per time range. \
      HEAD is answered wherever GET is, OPTIONS everywhere, without a credential. \
      Unknown or repeated query parameters are a 400. Limits: \(limitWords.joined(separator: "; ")).
      """
    return [
      "title": "Callflow", "version": .string(settings.version), "description": .string(text),
      "license": ["name": "MIT"],
    ]
  }

  private static let tags: JSONValue = [
    ["name": "events", "description": "What happens in calls"],
    ["name": "operation", "description": "Health, metrics and this document"],
  ]

  private static let securitySchemes: JSONValue = [
    "bearer": ["type": "http", "scheme": "bearer", "description": "An API key, `cfk_` and 43 characters"],
    "apiKey": ["type": "apiKey", "in": "header", "name": "x-api-key", "description": "An API key"],
    "basic": ["type": "http", "scheme": "basic", "description": "An API key as the password; the user name is free"],
  ]

  // MARK: Operations

  private static func operation(_ route: Route, _ settings: APISettings) -> JSONValue {
    let words = OperationWords.of(route.endpoint)
    var members: [(String, JSONValue)] = [
      ("operationId", .string(operationID(route))), ("summary", .string(words.summary)),
      ("description", .string(words.description)),
      ("tags", [words.isAboutEvents ? "events" : "operation"]),
    ]
    let parameters = pathParameters(route) + queryParameters(route) + headerParameters(route)
    if !parameters.isEmpty { members.append(("parameters", .array(parameters))) }
    if !route.consumes.isEmpty {
      let content = route.consumes.map { ($0, OpenAPISchemas.requestContent($0)) }
      members.append(("requestBody", ["required": true, "content": .object(content)]))
    }
    members.append(("responses", OpenAPIResponses.of(route)))
    if let scope = route.scope {
      members.append(("security", [["bearer": []], ["apiKey": []], ["basic": []]]))
      members.append(("x-required-scopes", .array(scope.names.map(JSONValue.string))))
    } else {
      members.append(("security", []))
    }
    return .object(members)
  }

  /// Unique in the document: one endpoint may stand at several paths.
  private static func operationID(_ route: Route) -> String {
    let words = route.template.split { !$0.isLetter && !$0.isNumber }
    let path = words.map { $0.prefix(1).uppercased() + $0.dropFirst() }.joined()
    switch route.endpoint {
    case .storeEvents, .listEvents, .getEvent, .getReceipt: return route.endpoint.rawValue
    default: return route.method.rawValue.lowercased() + path
    }
  }

  private static func pathParameters(_ route: Route) -> [JSONValue] {
    route.template.split(separator: "/").filter { $0.hasPrefix("{") }.map { segment in
      [
        "name": .string(String(segment.dropFirst().dropLast())), "in": "path", "required": true,
        "schema": .schema("EventId"), "example": .string(OpenAPISchemas.eventId),
      ]
    }
  }

  private static func queryParameters(_ route: Route) -> [JSONValue] {
    route.query.map { parameter in
      let words = ParameterWords.of(parameter.name)
      var members: [(String, JSONValue)] = [
        ("name", .string(parameter.name)), ("in", "query"), ("description", .string(words.description)),
      ]
      if parameter.isRepeatable {
        members.append(
          ("schema", ["type": "array", "maxItems": .integer(ReadEvents.maxEventTypes), "items": words.schema]))
        members += [("style", "form"), ("explode", true)]
      } else {
        members.append(("schema", words.schema))
      }
      return .object(members)
    }
  }

  private static func headerParameters(_ route: Route) -> [JSONValue] {
    switch route.endpoint {
    case .storeEvents:
      [
        [
          "name": "Acknowledge", "in": "header", "schema": ["type": "string", "enum": ["object-store"]],
          "description": "Wait until the object store has the events, whatever the service's default is",
        ]
      ]
    case .getEvent:
      [
        [
          "name": "If-None-Match", "in": "header", "schema": ["type": "string"],
          "description": "An ETag of before: 304 where the event is still the same",
        ]
      ]
    default: []
    }
  }
}
