// Metrics of one process. Increments are single relaxed atomic operations without allocation or lock; the registry's lock is taken
// only to register and to render. Text format: Prometheus exposition 0.0.4.

import Synchronization

package typealias Labels = [(name: String, value: String)]

package final class Counter: Sendable {
  private let value = Atomic<Int>(0)

  package init() {}

  package func add(_ amount: Int = 1) { value.wrappingAdd(amount, ordering: .relaxed) }

  package var current: Int { value.load(ordering: .relaxed) }
}

package final class Gauge: Sendable {
  private let value = Atomic<UInt64>(0)

  package init() {}

  package func set(_ new: Double) { value.store(new.bitPattern, ordering: .relaxed) }

  package var current: Double { Double(bitPattern: value.load(ordering: .relaxed)) }
}

/// Cumulative buckets as Prometheus wants them; values are observed in the unit of the bounds.
package final class Histogram: Sendable {
  /// Upper bounds in ascending order; one more bucket, +Inf, is implied.
  package let bounds: [Double]
  private let counts: [Cell]
  private let sumNanos = Atomic<Int>(0)

  private final class Cell: Sendable {
    let count = Atomic<Int>(0)
  }

  /// 100 us to 60 s.
  package static let seconds: [Double] = [
    0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60,
  ]

  package init(bounds: [Double]) {
    precondition(zip(bounds, bounds.dropFirst()).allSatisfy { $0 < $1 })
    self.bounds = bounds
    counts = (0...bounds.count).map { _ in Cell() }
  }

  package func observe(_ value: Double) {
    var index = 0
    while index < bounds.count, value > bounds[index] { index += 1 }
    counts[index].count.wrappingAdd(1, ordering: .relaxed)
    sumNanos.wrappingAdd(Int(value * 1e9), ordering: .relaxed)
  }

  package func observe(nanoseconds: Int64) { observe(Double(nanoseconds) / 1e9) }

  /// Count in each bucket (not cumulative, +Inf last) and the sum of all values.
  package var snapshot: (counts: [Int], sum: Double) {
    (counts.map { $0.count.load(ordering: .relaxed) }, Double(sumNanos.load(ordering: .relaxed)) / 1e9)
  }
}

package final class MetricRegistry: Sendable {
  private enum Instrument: Sendable {
    case counter(Counter)
    case gauge(Gauge)
    case histogram(Histogram)
    case reading(@Sendable () -> Double)
  }

  private struct Family: Sendable {
    let help: String
    let type: String
    var series: [(labels: String, instrument: Instrument)] = []
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

  /// A gauge whose value is asked for when it is scraped. `read` must not block.
  package func reading(
    _ name: String, _ help: String, _ labels: Labels = [], type: String = "gauge", read: @escaping @Sendable () -> Double
  ) {
    _ = register(name, help, type, labels) { .reading(read) }
  }

  private func register(
    _ name: String, _ help: String, _ type: String, _ labels: Labels, make: () -> Instrument
  ) -> Instrument {
    let rendered = Self.render(labels)
    return families.withLock { families in
      var family = families[name] ?? Family(help: help, type: type)
      precondition(family.type == type, "\(name) is registered as \(family.type)")
      if let existing = family.series.first(where: { $0.labels == rendered }) { return existing.instrument }
      let made = make()
      family.series.append((rendered, made))
      families[name] = family
      return made
    }
  }

  /// All metrics as Prometheus text, sorted by name, so that two scrapes differ only in values.
  package func renderText() -> String {
    let copy = families.withLock { $0 }
    var text = ""
    for (name, family) in copy.sorted(by: { $0.key < $1.key }) {
      text += "# HELP \(name) \(Self.escape(family.help, quotes: false))\n# TYPE \(name) \(family.type)\n"
      for series in family.series.sorted(by: { $0.labels < $1.labels }) {
        Self.render(name, series.labels, series.instrument, into: &text)
      }
    }
    return text
  }

  private static func render(_ name: String, _ labels: String, _ instrument: Instrument, into text: inout String) {
    let braces = labels.isEmpty ? "" : "{\(labels)}"
    switch instrument {
    case .counter(let counter): text += "\(name)\(braces) \(counter.current)\n"
    case .gauge(let gauge): text += "\(name)\(braces) \(format(gauge.current))\n"
    case .reading(let read): text += "\(name)\(braces) \(format(read()))\n"
    case .histogram(let histogram):
      let (counts, sum) = histogram.snapshot
      let prefix = labels.isEmpty ? "" : labels + ","
      var total = 0
      for (index, count) in counts.enumerated() {
        total += count
        let bound = index < histogram.bounds.count ? format(histogram.bounds[index]) : "+Inf"
        text += "\(name)_bucket{\(prefix)le=\"\(bound)\"} \(total)\n"
      }
      text += "\(name)_sum\(braces) \(format(sum))\n\(name)_count\(braces) \(total)\n"
    }
  }

  private static func render(_ labels: Labels) -> String {
    labels.map { "\($0.name)=\"\(escape($0.value, quotes: true))\"" }.joined(separator: ",")
  }

  private static func escape(_ text: String, quotes: Bool) -> String {
    var escaped = ""
    for scalar in text.unicodeScalars {
      switch scalar {
      case "\\": escaped += "\\\\"
      case "\n": escaped += "\\n"
      case "\"" where quotes: escaped += "\\\""
      default: escaped.unicodeScalars.append(scalar)
      }
    }
    return escaped
  }

  private static func format(_ value: Double) -> String {
    if value.isNaN { return "NaN" }
    if value.isInfinite { return value < 0 ? "-Inf" : "+Inf" }
    if value == value.rounded(), abs(value) < 1e15 { return String(Int(value)) }
    return String(value)
  }
}
