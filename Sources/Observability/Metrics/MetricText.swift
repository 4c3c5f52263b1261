// The two text formats of metrics: Prometheus exposition 0.0.4 and OpenMetrics 1.0. They differ in how a counter's
// family is named, in the escaping of help, in how a bound is written and in the last line.

enum MetricText {
  enum Format {
    case prometheus
    case openMetrics
  }

  static func render(_ families: [String: MetricRegistry.Family], as format: Format) -> String {
    var text = ""
    for (name, family) in families.sorted(by: { $0.key < $1.key }) {
      let (familyName, type) = header(name, family.type, format)
      text += "# HELP \(familyName) \(escape(family.help, quotes: format == .openMetrics))\n"
      text += "# TYPE \(familyName) \(type)\n"
      for (labels, instrument) in family.series.sorted(by: { $0.key < $1.key }) {
        append(name, labels, instrument, format, to: &text)
      }
    }
    if format == .openMetrics { text += "# EOF\n" }
    return text
  }

  /// OpenMetrics names a counter's family without the `_total` of its samples; a counter that lacks it cannot be one
  /// there.
  private static func header(_ name: String, _ type: String, _ format: Format) -> (name: String, type: String) {
    guard format == .openMetrics, type == "counter" else { return (name, type) }
    return name.hasSuffix("_total") ? (String(name.dropLast("_total".count)), type) : (name, "unknown")
  }

  private static func append(
    _ name: String, _ labels: String, _ instrument: MetricRegistry.Instrument, _ format: Format, to text: inout String
  ) {
    let braces = labels.isEmpty ? "" : "{\(labels)}"
    switch instrument {
    case .counter(let counter): text += "\(name)\(braces) \(counter.current)\n"
    case .gauge(let gauge): text += "\(name)\(braces) \(number(gauge.current))\n"
    case .reading(let read): text += "\(name)\(braces) \(number(read()))\n"
    case .histogram(let histogram):
      let (counts, sum) = histogram.snapshot
      let prefix = labels.isEmpty ? "" : labels + ","
      var total = 0
      for (index, count) in counts.enumerated() {
        total += count
        let bound = index < histogram.bounds.count ? self.bound(histogram.bounds[index], format) : "+Inf"
        text += "\(name)_bucket{\(prefix)le=\"\(bound)\"} \(total)\n"
      }
      text += "\(name)_sum\(braces) \(number(sum))\n\(name)_count\(braces) \(total)\n"
    }
  }

  static func labels(_ labels: Labels) -> String {
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

  private static func bound(_ value: Double, _ format: Format) -> String {
    format == .openMetrics ? value.description : number(value)
  }

  private static func number(_ value: Double) -> String {
    if value.isNaN { return "NaN" }
    if value.isInfinite { return value < 0 ? "-Inf" : "+Inf" }
    if value == value.rounded(), abs(value) < 1e15 { return String(Int(value)) }
    return value.description
  }
}
