// Where log lines leave the process: a bounded buffer and one thread that writes it to a descriptor. A caller only
// copies its line under a lock that is never held during a write, so a reader of the pipe that stops costs lines,
// which are counted, never time.
//
// Two buffers take turns (callers fill one while the thread writes the other) instead of a ring of lines: one copy
// and no allocation a line, and one write for all lines of `gatherNanoseconds`, which saves a wake-up of the thread
// for each of them.

import Glibc
import Primitives
import Synchronization

package final class LogSink: Sendable {
  private struct State {
    var bytes: [UInt8] = []
    /// Callers of `flush` that wait for an empty buffer.
    var flushers = 0
    var isClosed = false
  }

  private let state = Mutex(State())
  private let descriptor: Int32
  private let capacityBytes: Int
  private let gatherNanoseconds: Int64
  private let dropped: Counter
  private let isFilled = Semaphore()
  private let isFlushed = Semaphore()
  /// True while the thread has bytes that are not yet written.
  private let isWriting = Atomic<Bool>(false)

  /// `descriptor` stays the caller's and must outlive the sink. At most `capacityBytes` wait, and as many again are
  /// being written. The thread lives until `close`.
  package init(
    descriptor: Int32, metrics: MetricRegistry, capacityBytes: Int = 4 << 20, gatherNanoseconds: Int64 = 10_000_000
  ) {
    self.descriptor = descriptor
    self.capacityBytes = capacityBytes
    self.gatherNanoseconds = gatherNanoseconds
    dropped = metrics.counter(
      "callflow_log_lines_dropped_total", "Log lines given up because their reader was too slow or gone.")
    startThread()
  }

  /// Queues one line, its line feed included. Never waits for the reader.
  package func write(_ line: [UInt8]) {
    let (isQueued, isFirst) = state.withLock { state in
      guard !state.isClosed, state.bytes.count + line.count <= capacityBytes else { return (false, false) }
      let isFirst = state.bytes.isEmpty
      state.bytes.append(contentsOf: line)
      return (true, isFirst)
    }
    if isFirst { isFilled.post() }
    if !isQueued { dropped.add() }
  }

  /// Waits until what was queued before is written; false where that took longer.
  @discardableResult
  package func flush(within limit: Duration) -> Bool {
    let mustWait = state.withLock { state in
      guard !state.isClosed, !state.bytes.isEmpty || isWriting.load(ordering: .acquiring) else { return false }
      state.flushers += 1
      return true
    }
    guard mustWait else { return true }
    isFilled.post()
    if isFlushed.wait(nanoseconds: limit.nanoseconds) { return true }
    // The thread may have answered just now; then its post is taken back so that it does not answer somebody else's
    // flush.
    let isLate = state.withLock { state in
      guard state.flushers > 0 else { return false }
      state.flushers -= 1
      return true
    }
    if isLate { return false }
    isFlushed.wait()
    return true
  }

  /// Flushes, then takes no more lines and lets the thread end. False where lines were left behind; they are counted
  /// as dropped.
  @discardableResult
  package func close(within limit: Duration) -> Bool {
    let isComplete = flush(within: limit)
    let left = state.withLock { state in
      defer {
        state.isClosed = true
        state.bytes = []
      }
      return Self.lines(state.bytes[...])
    }
    if left > 0 { dropped.add(left) }
    isFilled.post()
    return isComplete && left == 0
  }

  private static func lines(_ bytes: ArraySlice<UInt8>) -> Int { bytes.count { $0 == 0x0A } }
}

// MARK: - The thread

extension LogSink {
  private func startThread() {
    var thread = pthread_t()
    let code = pthread_create(
      &thread, nil,
      { context in
        guard let context else { return nil }
        Unmanaged<LogSink>.fromOpaque(context).takeRetainedValue().run()
        return nil
      }, Unmanaged.passRetained(self).toOpaque())
    precondition(code == 0, "no thread could be started: error \(code)")
    pthread_detach(thread)
  }

  private func run() {
    var spare: [UInt8] = []
    while true {
      isFilled.wait()
      // Posted again only by a flush or the close, which do not want to wait for more lines.
      if !isHurried { _ = isFilled.wait(nanoseconds: gatherNanoseconds) }
      spare.removeAll(keepingCapacity: true)
      let isClosed = state.withLock { state in
        swap(&state.bytes, &spare)
        isWriting.store(!spare.isEmpty, ordering: .releasing)
        return state.isClosed
      }
      if !spare.isEmpty { writeAll(spare) }
      let answered = state.withLock { state in
        isWriting.store(false, ordering: .releasing)
        guard state.bytes.isEmpty else { return 0 }
        defer { state.flushers = 0 }
        return state.flushers
      }
      for _ in 0..<answered { isFlushed.post() }
      if isClosed { return }
    }
  }

  private var isHurried: Bool { state.withLock { $0.flushers > 0 || $0.isClosed } }

  private func writeAll(_ bytes: [UInt8]) {
    var written = 0
    while written < bytes.count {
      let count = bytes.withUnsafeBytes {
        Glibc.write(descriptor, $0.baseAddress.map { $0 + written }, bytes.count - written)
      }
      if count > 0 {
        written += count
      } else if errno == EAGAIN {
        // Somebody made the descriptor non-blocking; this thread may block.
        var ready = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
        poll(&ready, 1, -1)
      } else if errno != EINTR {
        // The reader is gone. Nobody is left to be told but the metric.
        dropped.add(Self.lines(bytes[written...]))
        return
      }
    }
  }
}
