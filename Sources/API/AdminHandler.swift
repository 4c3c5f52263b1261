// The admin listener's handler: metrics and health without credentials, on an address that only operators reach. It
// names causes.

import HTTPModel
import HTTPTypes
import Observability
import Primitives

package final class AdminHandler: HTTPHandler {
  package let router = Router(RouteTable.admin)
  private let health: HealthReport
  private let registry: MetricRegistry

  package init(parts: APIParts) {
    health = HealthReport(
      events: parts.events, authorizer: parts.authorizer, readiness: parts.readiness, clock: parts.clock)
    registry = parts.registry
  }

  package func refuse(_ refusal: Refusal, requestID: String) -> Response {
    Problem(ErrorCode(transportStatus: refusal.status), refusal.reason).response(requestID: requestID)
  }

  package func handle(_ request: Request) async -> Response {
    guard let match = router.match(request.head) else {
      return Problem(.notFound, "There is nothing at this path").response(requestID: request.id)
    }
    var response = answer(request, match)
    response.notes = ExchangeNotes(
      route: router.resources[match.resource].template, routeIndex: match.resource + 1)
    return response
  }

  private func answer(_ request: Request, _ match: RouteMatch) -> Response {
    let allow = router.resources[match.resource].allow
    if request.head.method == .options {
      return Response(status: .noContent, fields: FieldBlock().adding(.allow, allow))
    }
    guard let index = router.route(match, request.head.method) else {
      return Problem(.methodNotAllowed, "This path takes only \(allow)", fields: [(.allow, allow)])
        .response(requestID: request.id)
    }
    switch router.routes[index].endpoint {
    case .metrics: return MetricsText.response(registry)
    case .liveness: return health.liveness()
    default: return health.health(withCauses: true)
    }
  }
}
