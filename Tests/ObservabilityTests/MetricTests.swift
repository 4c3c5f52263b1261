// Instruments, the two text formats and the process's own metrics.

import Glibc
import Observability
import Primitives
import Testing

@Suite struct MetricTests {
  private let metrics = MetricRegistry()

  @Test func text_IsSortedAndEscaped() {
    metrics.counter("b_total", "Help with \\ and\nline feed.", [("route", "/x\"y\\z\n"), ("status", "200")]).add(3)
    metrics.counter("b_total", "", [("route", "/a"), ("status", "200")]).add()
    metrics.gauge("a_bytes", "Gauge.").set(0.5)
    metrics.reading("c_seconds", "Read.") { 1e20 }
    #expect(
      metrics.renderText() == """
        # HELP a_bytes Gauge.
        # TYPE a_bytes gauge
        a_bytes 0.5
        # HELP b_total Help with \\\\ and\\nline feed.
        # TYPE b_total counter
        b_total{route="/a",status="200"} 1
        b_total{route="/x\\"y\\\\z\\n",status="200"} 3
        # HELP c_seconds Read.
        # TYPE c_seconds gauge
        c_seconds 1e+20

        """)
  }

  @Test func histogram_IsCumulative_InBothFormats() {
    let histogram = metrics.histogram("h_seconds", "H.", [("kind", "x")], bounds: [0.5, 1])
    for value in [0.1, 0.5, 0.7, 3, .nan, .infinity] { histogram.observe(value) }
    histogram.observe(nanoseconds: 700_000_000)
    #expect(
      metrics.renderText() == """
        # HELP h_seconds H.
        # TYPE h_seconds histogram
        h_seconds_bucket{kind="x",le="0.5"} 2
        h_seconds_bucket{kind="x",le="1"} 4
        h_seconds_bucket{kind="x",le="+Inf"} 5
        h_seconds_sum{kind="x"} 5
        h_seconds_count{kind="x"} 5

        """)
    #expect(metrics.renderOpenMetrics().contains(#"h_seconds_bucket{kind="x",le="1.0"} 4"#))
  }

  @Test func histogram_KeepsItsSum_WhenValuesAreLarge() {
    let histogram = metrics.histogram("h_bytes", "H.", bounds: [1])
    for _ in 0..<1000 { histogram.observe(1e12) }
    #expect(histogram.snapshot.sum == 1e15)
  }

  @Test func openMetrics_NamesCounterFamilies_AndEnds() {
    metrics.counter("x_total", "A \"quote\".").add(2)
    #expect(
      metrics.renderOpenMetrics() == """
        # HELP x A \\"quote\\".
        # TYPE x counter
        x_total 2
        # EOF

        """)
  }

  @Test func instruments_AreTheSame_ForTheSameNameAndLabels() async {
    let counter = metrics.counter("n_total", "")
    let gauge = metrics.gauge("g", "")
    let histogram = metrics.histogram("h", "", bounds: [1])
    await withTaskGroup(of: Void.self) { group in
      for _ in 0..<4 {
        group.addTask { [metrics] in
          for _ in 0..<5000 {
            metrics.counter("n_total", "").add()
            gauge.add(0.5)
            histogram.observe(2)
          }
        }
      }
    }
    #expect(counter.current == 20_000)
    #expect(gauge.current == 10_000)
    #expect(histogram.snapshot.sum == 40_000)
    #expect(histogram.snapshot.counts == [0, 20_000])
  }

  private func value(_ name: String) -> Double {
    let line = metrics.renderText().split(separator: "\n").first { $0.hasPrefix("\(name) ") }
    return line.flatMap { Double($0.dropFirst(name.utf8.count + 1)) } ?? .nan
  }

  @Test func process_MetricsFollowTheProcess() {
    ProcessMetrics.register(on: metrics)
    let before = value("process_open_fds")
    let extra = (0..<50).map { _ in open("/dev/null", O_RDONLY | O_CLOEXEC) }
    // Other tests of this process open and close files meanwhile, so the difference is only nearly 50.
    #expect(value("process_open_fds") - before > 25)
    for descriptor in extra { close(descriptor) }

    let now = Double(SystemClock().wallNanoseconds()) / 1e9
    #expect(abs(now - value("process_start_time_seconds")) < 3600)
    #expect(value("process_resident_memory_bytes") > 1_000_000)
    #expect(value("process_max_fds") == Double(ProcessMetrics.descriptorLimit()))

    let cpuBefore = value("process_cpu_seconds_total")
    var spins = 0.0
    while value("process_cpu_seconds_total") == cpuBefore, spins < 1e9 {
      for step in 1..<200_000 { spins += 1 / Double(step) }
    }
    #expect(value("process_cpu_seconds_total") > cpuBefore)
  }
}
