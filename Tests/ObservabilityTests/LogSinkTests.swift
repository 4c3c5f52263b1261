// The sink's promise: lines arrive whole and in order, a stopped reader costs lines and never time.

import Glibc
import Observability
import Primitives
import TestSupport
import Testing

@Suite struct LogSinkTests {
  private let metrics = MetricRegistry()

  private var droppedLines: Int { metrics.counter("callflow_log_lines_dropped_total", "").current }

  @Test func lines_ArriveInOrder_WhenTheReaderKeepsUp() {
    let pipe = Pipe()
    let sink = LogSink(descriptor: pipe.writeEnd, metrics: metrics)
    for number in 0..<500 { sink.write(Array("line \(number)\n".utf8)) }
    #expect(pipe.lines(500) == (0..<500).map { "line \($0)" })
    #expect(sink.close(within: .seconds(10)))
    #expect(droppedLines == 0)
  }

  @Test func flush_WritesEverything_BeforeItReturns() {
    let pipe = Pipe()
    let sink = LogSink(descriptor: pipe.writeEnd, metrics: metrics)
    for round in 0..<50 {
      sink.write(Array("round \(round)\n".utf8))
      #expect(sink.flush(within: .seconds(10)))
      #expect(pipe.read() == Array("round \(round)\n".utf8))
    }
    #expect(sink.flush(within: .zero), "nothing to wait for")
    #expect(sink.close(within: .seconds(10)))
  }

  @Test func callers_AreNotDelayed_WhenTheReaderStops() {
    let pipe = Pipe()
    let sink = LogSink(descriptor: pipe.writeEnd, metrics: metrics, capacityBytes: 1 << 18)
    // More than a pipe holds: once the first byte is here, the thread is in a write that cannot end.
    let first = [UInt8](repeating: 0x62, count: 200_000) + [0x0A]
    sink.write(first)
    #expect(pipe.read(1).count == 1)
    let line = [UInt8](repeating: 0x61, count: 199) + [0x0A]
    let count = 20_000
    var slowest: Int64 = 0
    let clock = SystemClock()
    let start = clock.monotonicNanoseconds()
    for _ in 0..<count {
      let before = clock.monotonicNanoseconds()
      sink.write(line)
      slowest = max(slowest, clock.monotonicNanoseconds() - before)
    }
    let total = clock.monotonicNanoseconds() - start
    #expect(droppedLines == count - (1 << 18) / line.count)
    #expect(slowest < 200_000_000, "one call took \(slowest) ns")
    #expect(total < 2_000_000_000, "\(count) calls took \(total) ns")
    #expect(!sink.flush(within: .milliseconds(50)), "the reader has not moved")

    // The reader goes on: what was kept arrives whole, and later lines do too.
    let kept = count - droppedLines
    let arrived = pipe.lines(1 + kept)
    #expect(arrived.map(\.utf8.count) == [199_999] + [Int](repeating: 199, count: kept))
    sink.write(Array("after\n".utf8))
    #expect(pipe.lines(1) == ["after"])
    #expect(sink.close(within: .seconds(10)))
    #expect(droppedLines == count - kept)
  }

  @Test func close_GivesUpAtItsDeadline_WhenTheReaderStops() {
    let pipe = Pipe()
    let sink = LogSink(descriptor: pipe.writeEnd, metrics: metrics)
    // The first batch fills the pipe and keeps the thread in its write; the lines of the second are the ones left
    // behind.
    sink.write([UInt8](repeating: 0x61, count: 200_000) + [0x0A])
    _ = pipe.read(1)
    for _ in 0..<7 { sink.write(Array("left behind\n".utf8)) }
    #expect(!sink.close(within: .milliseconds(50)))
    #expect(droppedLines == 7)
    sink.write(Array("too late\n".utf8))
    #expect(droppedLines == 8)
    // Lets the thread end before the pipe does.
    var drained = 1
    while drained < 200_001 { drained += pipe.read().count }
  }

  @Test func lines_AreCounted_WhenTheReaderIsGone() {
    signal(SIGPIPE, SIG_IGN)
    let pipe = Pipe()
    let own = dup(pipe.writeEnd)
    let other = Pipe()
    dup2(other.readEnd, pipe.readEnd)
    let sink = LogSink(descriptor: own, metrics: metrics)
    for _ in 0..<3 { sink.write(Array("nobody\n".utf8)) }
    #expect(sink.close(within: .seconds(10)))
    #expect(droppedLines == 3)
    close(own)
  }

  @Test func descriptor_MayBeNonBlocking() {
    let pipe = Pipe()
    _ = fcntl(pipe.writeEnd, F_SETFL, O_NONBLOCK)
    let sink = LogSink(descriptor: pipe.writeEnd, metrics: metrics)
    for number in 0..<20_000 { sink.write(Array("line \(number)\n".utf8)) }
    #expect(pipe.lines(20_000) == (0..<20_000).map { "line \($0)" })
    #expect(sink.close(within: .seconds(10)))
    #expect(droppedLines == 0)
  }

  @Test func lines_FromManyThreads_AreNeverMixed() async {
    let pipe = Pipe()
    let sink = LogSink(descriptor: pipe.writeEnd, metrics: metrics)
    let lines = await withTaskGroup(of: [String].self) { group in
      for writer in 0..<4 {
        group.addTask {
          for number in 0..<1000 { sink.write(Array("\(writer) \(number) end\n".utf8)) }
          return []
        }
      }
      return pipe.lines(4000)
    }
    #expect(lines.count == 4000)
    for writer in 0..<4 {
      let own = lines.filter { $0.hasPrefix("\(writer) ") }
      #expect(own == (0..<1000).map { "\(writer) \($0) end" })
    }
    #expect(sink.close(within: .seconds(10)))
  }
}
