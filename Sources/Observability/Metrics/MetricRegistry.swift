// The metrics of one process by name and labels. Its lock is taken only to register and to render: whoever counts
// keeps the instrument.

import Synchronization

package typealias Labels = [(name: String, value: String)]

package final class MetricRegistry: Sendable {
  enum Instrument: Sendable {
    case counter(Counter)
    case gauge(Gauge)
    case histogram(Histogram)
    case reading(@Sendable () -> Double)
  }

  struct Family: Sendable {
    let help: String
    let type: String
    /// By rendered labels.
    var series: [String: Instrument] = [:]
  }

  private let families = Mutex<[String: Family]>([:])

  package init() {}

  /// The counter of that name and labels, the same one for the same call.
  package func counter(_ name: String, _ help: String, _ labels: Labels = []) -> Counter {
    let found = register(name, help, "counter", labels) { .counter(Counter()) }
    guard case .counter(let counter) = found else { preconditionFailure("\(name) is not a counter") }
    return counter
  }

  package func gauge(_ name: String, _ help: String, _ labels: Labels = []) -> Gauge {
    let found = register(name, help, "gauge", labels) { .gauge(Gauge()) }
    guard case .gauge(let gauge) = found else { preconditionFailure("\(name) is not a gauge") }
    return gauge
  }

  package func histogram(
    _ name: String, _ help: String, _ labels: Labels = [], bounds: [Double] = Histogram.seconds
  ) -> Histogram {
    let found = register(name, help, "histogram", labels) { .histogram(Histogram(bounds: bounds)) }
    guard case .histogram(let histogram) = found else { preconditionFailure("\(name) is not a histogram") }
    return histogram
  }

  /// A value that is asked for when it is scraped; `type` is `gauge` or `counter`. `read` must not block. The first
  /// of equal names and labels stays.
  package func reading(
    _ name: String, _ help: String, _ labels: Labels = [], type: String = "gauge",
    read: @escaping @Sendable () -> Double
  ) {
    _ = register(name, help, type, labels) { .reading(read) }
  }

  private func register(
    _ name: String, _ help: String, _ type: String, _ labels: Labels, make: () -> Instrument
  ) -> Instrument {
    let rendered = MetricText.labels(labels)
    return families.withLock { families in
      let found = families[name]
      precondition(found == nil || found?.type == type, "\(name) is registered as another type")
      if let existing = found?.series[rendered] { return existing }
      let made = make()
      families[name, default: Family(help: help, type: type)].series[rendered] = made
      return made
    }
  }

  /// All metrics as Prometheus text (exposition format 0.0.4), sorted by name, so that two scrapes differ only in
  /// values.
  package func renderText() -> String { MetricText.render(families.withLock { $0 }, as: .prometheus) }

  /// The same as OpenMetrics 1.0 (`application/openmetrics-text; version=1.0.0; charset=utf-8`).
  package func renderOpenMetrics() -> String { MetricText.render(families.withLock { $0 }, as: .openMetrics) }
}
