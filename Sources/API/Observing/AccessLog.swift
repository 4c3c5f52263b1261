// Told by the transport of every finished exchange: counts it and writes its access line (CONTRACT 5). Runs on the loop
// thread, so it only adds to counters and queues bytes.

import HTTPModel
import HTTPTypes
import Logging
import Observability
import Primitives

package final class AccessLog: ExchangeObserver {
  private let metrics: RequestMetrics
  private let output: LogOutput

  /// `router`: that of the handler whose exchanges these are.
  package init(router: Router, registry: MetricRegistry, output: LogOutput) {
    metrics = RequestMetrics(registry, routes: router.resources.map(\.template))
    self.output = output
  }

  /// The servers know how many connections are open; the gauge reads it there.
  package func connectionsChanged(by change: Int) {}

  package func exchangeEnded(_ exchange: Exchange) {
    metrics.count(
      route: exchange.notes.routeIndex, method: exchange.head?.method, status: exchange.status,
      nanosecondsToFirstByte: exchange.nanosecondsToFirstByte)
    guard var line = output.line(.info, component: "api", message: "request") else { return }
    line.add("requestId", exchange.requestID)
    if let head = exchange.head {
      line.add("method", head.method.rawValue)
      head.bytes.withUnsafeBytes { line.add("path", utf8: UnsafeRawBufferPointer(rebasing: $0[head.path])) }
    }
    line.add("route", exchange.notes.route)
    line.add("status", exchange.status)
    line.add("bytesIn", exchange.bytesIn)
    line.add("bytesOut", exchange.bytesOut)
    line.add("durationMs", millisecondsOf: exchange.nanosecondsToLastByte)
    line.add("clientIp", exchange.clientAddress)
    line.add("principalId", exchange.notes.principal)
    if let head = exchange.head, let agent = RequestFields(head).userAgent {
      head.bytes.withUnsafeBytes { line.add("userAgent", utf8: UnsafeRawBufferPointer(rebasing: $0[agent])) }
    }
    output.write(line)
  }
}
