// The main listener's handler: routing, authorization and dispatch in the contract's order (404, 405, 401, 403, 406 and
// 415, 413, 400).

import Auth
import EventStore
import HTTPModel
import HTTPTypes
import Observability
import Primitives

/// What the handlers are made of. Everything is shared by all loops.
package struct APIParts: Sendable {
  package var events: any EventStoring
  package var authorizer: Authorizer
  /// nil where keys are never read again.
  package var refresher: KeyRefresher?
  package var readiness: Readiness
  package var registry: MetricRegistry
  package var log: LogOutput
  package var clock: any Clock

  package init(
    events: any EventStoring, authorizer: Authorizer, refresher: KeyRefresher?, readiness: Readiness,
    registry: MetricRegistry, log: LogOutput, clock: any Clock
  ) {
    self.events = events
    self.authorizer = authorizer
    self.refresher = refresher
    self.readiness = readiness
    self.registry = registry
    self.log = log
    self.clock = clock
  }
}

package final class APIHandler: HTTPHandler {
  package let router: Router
  private let access: AccessControl
  private let storeEvents: StoreEvents
  private let readEvents: ReadEvents
  private let readEvent: ReadEvent
  private let health: HealthReport
  private let openAPI: [UInt8]
  private let registry: MetricRegistry
  private let clock: any Clock
  private let log: ComponentLog

  package init(settings: APISettings, parts: APIParts) {
    let log = ComponentLog(parts.log, clock: parts.clock, bucket: settings.bucket)
    router = Router(RouteTable.main(basePath: settings.basePath))
    access = AccessControl(
      authorizer: parts.authorizer, refresher: parts.refresher, clock: parts.clock,
      metrics: AuthorizerMetrics(parts.registry), log: log)
    storeEvents = StoreEvents(
      events: parts.events, settings: settings, metrics: EventMetrics(parts.registry), log: log)
    readEvents = ReadEvents(events: parts.events, log: log)
    readEvent = ReadEvent(events: parts.events, log: log)
    health = HealthReport(
      events: parts.events, authorizer: parts.authorizer, readiness: parts.readiness, clock: parts.clock)
    openAPI = OpenAPIDocument(routes: router.routes, settings: settings).serialized()
    registry = parts.registry
    clock = parts.clock
    self.log = log
  }

  package func refuse(_ refusal: Refusal, requestID: String) -> Response {
    Problem(ErrorCode(transportStatus: refusal.status), refusal.reason).response(requestID: requestID)
  }

  package func handle(_ request: Request) async -> Response {
    var notes = ExchangeNotes()
    do {
      var response = try await answer(request, &notes)
      response.notes = notes
      return response
    } catch {
      let problem = Problem(error)
      if problem.code == .internalError { log.failed(request, error) }
      var response = problem.response(requestID: request.id)
      response.notes = notes
      return response
    }
  }

  /// For `OPTIONS *`, which asks about the server as a whole (RFC 9110, 9.3.7).
  private static let allMethods = "GET, HEAD, OPTIONS, POST"

  private func answer(_ request: Request, _ notes: inout ExchangeNotes) async throws -> Response {
    guard let match = router.match(request.head) else {
      if request.head.method == .options, request.head.bytes(in: request.head.path, are: "*") {
        return Response(status: .noContent, fields: FieldBlock().adding(.allow, Self.allMethods))
      }
      throw Problem(.notFound, "There is nothing at this path")
    }
    let resource = router.resources[match.resource]
    notes.route = resource.template
    notes.routeIndex = match.resource + 1
    if request.head.method == .options {
      return Response(status: .noContent, fields: FieldBlock().adding(.allow, resource.allow))
    }
    guard let index = router.route(match, request.head.method) else {
      throw Problem(
        .methodNotAllowed, "This path takes only \(resource.allow)", fields: [(.allow, resource.allow)])
    }
    let route = router.routes[index]
    let started = clock.monotonicNanoseconds()
    var principal: Principal?
    if let scope = route.scope {
      var decision = access.decide(request, on: scope)
      if access.isWorthARefresh(decision) {
        await access.refresh()
        decision = access.decide(request, on: scope)
      }
      notes.principal = decision.principalID
      principal = try access.settle(decision, request, scope, started: started)
    }
    let context = RequestContext(
      request: request, route: route, fields: RequestFields(request.head), parameters: match.parameters,
      principal: principal, started: started)
    try checkAccept(context)
    switch route.endpoint {
    case .storeEvents: return try await storeEvents.handle(context)
    case .listEvents: return try await readEvents.list(context)
    case .getEvent: return try await readEvent.event(context)
    case .getReceipt: return try await readEvent.receipt(context)
    case .health, .readiness, .liveness, .openAPI, .metrics: return try open(context)
    }
  }

  /// What needs neither a body nor the store's threads.
  private func open(_ context: RequestContext) throws(Problem) -> Response {
    _ = try QueryValues(context.head, allowed: context.route.query)
    switch context.route.endpoint {
    case .liveness: return health.liveness()
    case .openAPI:
      return Response(
        status: .ok, fields: FieldBlock(serialized: Self.documentFields), body: .bytes(openAPI))
    case .metrics: return MetricsText.response(registry)
    default: return health.health(withCauses: false)
    }
  }

  private static let documentFields = Array("Content-Type: application/json\r\nCache-Control: no-cache\r\n".utf8)

  /// 406 before anything is read or stored.
  private func checkAccept(_ context: RequestContext) throws(Problem) {
    guard let place = context.fields.accept else { return }
    let head = context.head
    if !context.fields.hasManyAccepts {
      if head.bytes(in: place, are: "*/*") { return }
      if context.route.produces.first == MediaType.json, head.bytes(in: place, are: "application/json") { return }
    }
    let value =
      context.fields.hasManyAccepts
      ? head.values(of: .accept).joined(separator: ",") : String(decoding: head.bytes[place], as: UTF8.self)
    guard MediaType.accepts(value, context.route.produces) else {
      throw Problem(
        .notAcceptable, "This path answers only in \(context.route.produces.joined(separator: " or "))")
    }
  }
}

enum MetricsText {
  static func response(_ registry: MetricRegistry) -> Response {
    var fields = FieldBlock()
    fields.add(.contentType, MediaType.prometheus)
    fields.add(.cacheControl, "no-store")
    return Response(status: .ok, fields: fields, body: .bytes(Array(registry.renderText().utf8)))
  }
}
