// Requests by route, method and status. Series come into being when they are first needed and are found again by index:
// a request costs two atomic loads and two additions, no lock and no look-up by name.

import HTTPTypes
import Observability
import Synchronization

/// Made once, by whoever needs it first.
final class Lazy<Value: AnyObject & Sendable>: Sendable {
  private let reference = AtomicLazyReference<Value>()

  func value(_ make: () -> Value) -> Value { reference.load() ?? reference.storeIfNil(make()) }
}

package final class RequestMetrics: Sendable {
  private static let requests = "callflow_http_requests_total"
  private static let requestsHelp = "HTTP requests answered."

  /// The series of one route and method.
  private final class Series: Sendable {
    let duration: Histogram
    let statuses: [Lazy<Counter>]

    init(_ duration: Histogram) {
      self.duration = duration
      statuses = RequestMetrics.statuses.map { _ in Lazy() }
    }
  }

  private let registry: MetricRegistry
  /// Index 0 is `unmatched`.
  private let routes: [String]
  private let series: [Lazy<Series>]

  /// `routes`: templates, in the order of `ExchangeNotes.routeIndex`, from 1 on.
  package init(_ registry: MetricRegistry, routes: [String]) {
    self.registry = registry
    self.routes = ["unmatched"] + routes
    series = (0..<self.routes.count * Self.methods.count).map { _ in Lazy() }
  }

  package func count(route: Int, method: HTTPRequest.Method?, status: Int, nanosecondsToFirstByte: Int64) {
    let route = routes.indices.contains(route) ? route : 0
    let methodIndex = Self.index(of: method)
    let own = series[route * Self.methods.count + methodIndex].value {
      Series(
        registry.histogram(
          "callflow_http_request_duration_seconds",
          "Time from the first byte of the request to the first of the reply.",
          labels(route, methodIndex)))
    }
    own.duration.observe(nanoseconds: nanosecondsToFirstByte)
    if let place = Self.place(of: status) {
      own.statuses[place].value { counter(route, methodIndex, status) }.add()
    } else {
      counter(route, methodIndex, status).add()
    }
  }

  private func labels(_ route: Int, _ method: Int) -> Labels {
    [("method", Self.methods[method].rawValue), ("route", routes[route])]
  }

  private func counter(_ route: Int, _ method: Int, _ status: Int) -> Counter {
    registry.counter(Self.requests, Self.requestsHelp, labels(route, method) + [("status", String(status))])
  }

  private static let other = HTTPRequest.Method("OTHER") ?? .trace
  private static let methods: [HTTPRequest.Method] = [.post, .get, .head, .options, .put, .delete, .patch, other]

  private static func index(of method: HTTPRequest.Method?) -> Int {
    guard let method else { return methods.count - 1 }
    return methods.firstIndex(of: method) ?? methods.count - 1
  }

  /// Every status that the service gives.
  private static let statuses = Set([200, 201, 202, 204, 207, 304] + ErrorCode.allCases.map(\.status)).sorted()

  /// Places by status - 100, 255 where there is none.
  private static let places: [UInt8] = (100..<600).map { status in
    statuses.firstIndex(of: status).map(UInt8.init) ?? 255
  }

  private static func place(of status: Int) -> Int? {
    guard (100..<600).contains(status), places[status - 100] != 255 else { return nil }
    return Int(places[status - 100])
  }
}
