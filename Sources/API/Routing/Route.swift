// The one table that says what exists: dispatch, Allow, scopes, accepted parameters and media types, and the OpenAPI
// document are all read from it.

import Auth
import HTTPTypes

/// What a route does. The handler's dispatch is exhaustive over it.
package enum Endpoint: String, Sendable, CaseIterable {
  case storeEvents
  case listEvents
  case getEvent
  case getReceipt
  case health
  case liveness
  case readiness
  case openAPI
  case metrics
}

/// A class, so that a request carries one reference and not a copy of the row.
package final class Route: Sendable {
  package let method: HTTPRequest.Method
  /// Full path, `{name}` for a segment that is a parameter. Also the label of metrics and logs.
  package let template: String
  package let endpoint: Endpoint
  /// nil: no credential is asked for.
  package let scope: Scope?
  package let query: [QueryParameter]
  /// Media types of the body; empty where there is none.
  package let consumes: [String]
  /// Media types of a good answer, the default one first.
  package let produces: [String]

  init(
    _ method: HTTPRequest.Method, _ template: String, _ endpoint: Endpoint, scope: Scope? = nil,
    query: [QueryParameter] = [], consumes: [String] = [], produces: [String] = [MediaType.json]
  ) {
    self.method = method
    self.template = template
    self.endpoint = endpoint
    self.scope = scope
    self.query = query
    self.consumes = consumes
    self.produces = produces
  }
}

package struct QueryParameter: Sendable {
  package let name: String
  /// Whether it may be given more than once.
  package let isRepeatable: Bool

  init(_ name: String, isRepeatable: Bool = false) {
    self.name = name
    self.isRepeatable = isRepeatable
  }
}

package enum RouteTable {
  /// `basePath`: `/v1`, or empty where the service has no stage name.
  package static func main(basePath: String) -> [Route] {
    let events = basePath + "/callflow/events"
    var routes = [
      Route(
        .post, events, .storeEvents, scope: .eventsWrite, query: [QueryParameter("atomic")],
        consumes: [MediaType.json, MediaType.ndjson]),
      Route(
        .get, events, .listEvents, scope: .eventsRead,
        query: [
          QueryParameter("callId"), QueryParameter("eventType", isRepeatable: true), QueryParameter("startTime"),
          QueryParameter("endTime"), QueryParameter("limit"), QueryParameter("order"), QueryParameter("nextToken"),
          QueryParameter("consistency"),
        ]),
      Route(.get, events + "/{eventId}", .getEvent, scope: .eventsRead),
      Route(.get, events + "/{eventId}/receipt", .getReceipt, scope: .eventsRead),
    ]
    for prefix in Set(["", basePath]).sorted() {
      routes += [
        Route(.get, prefix + "/health", .health),
        Route(.get, prefix + "/healthz", .health),
        Route(.get, prefix + "/openapi.json", .openAPI),
      ]
    }
    routes += [
      Route(.get, "/readyz", .readiness),
      Route(.get, "/livez", .liveness),
      Route(.get, "/metrics", .metrics, scope: .metricsRead, produces: [MediaType.prometheus]),
    ]
    return routes
  }

  /// The admin listener: no credentials, and nothing of the events.
  package static let admin = [
    Route(.get, "/metrics", .metrics, produces: [MediaType.prometheus]),
    Route(.get, "/livez", .liveness),
    Route(.get, "/readyz", .readiness),
  ]
}
