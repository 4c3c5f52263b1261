// One timer of a loop, armed again as often as its owner likes, and the one-shot form on the loop itself.

import CLibevent

/// Of the loop's thread alone. Fires once for each `arm`; arming again moves the time. Ends with its last reference.
package final class LoopTimer {
  private let loop: EventLoop
  private let work: () -> Void
  private var event: OpaquePointer?
  package private(set) var isArmed = false

  package init(loop: EventLoop, _ work: @escaping () -> Void) {
    self.loop = loop
    self.work = work
  }

  deinit {
    if let event { event_free(event) }
  }

  package func arm(after delay: Duration) { arm(nanoseconds: delay.wholeNanoseconds) }

  package func arm(nanoseconds: Int64) {
    if event == nil {
      let context = Unmanaged.passUnretained(self).toOpaque()
      event = event_new(loop.base, -1, 0, LoopTimer.callback, context)
    }
    guard let event else { return }
    var delay = timeval(nanoseconds: max(0, nanoseconds))
    event_add(event, &delay)
    isArmed = true
  }

  package func cancel() {
    guard isArmed, let event else { return }
    event_del(event)
    isArmed = false
  }

  private static let callback: event_callback_fn = { _, _, context in
    guard let context else { return }
    let timer = Unmanaged<LoopTimer>.fromOpaque(context).takeUnretainedValue()
    timer.isArmed = false
    timer.work()
  }
}

extension EventLoop {
  /// What `schedule` gives: `cancel` from any thread, with effect when it comes before the work.
  package final class Scheduled: @unchecked Sendable {
    private let loop: EventLoop
    // Of the loop's thread alone. The timer's closure holds this object until it fires or is cancelled.
    private var timer: LoopTimer?
    private var work: (@Sendable () -> Void)?

    fileprivate init(loop: EventLoop, work: @escaping @Sendable () -> Void) {
      self.loop = loop
      self.work = work
    }

    fileprivate func arm(nanoseconds: Int64) {
      guard work != nil else { return }
      timer = LoopTimer(loop: loop) { [self] in
        let work = work
        end()
        work?()
      }
      timer?.arm(nanoseconds: nanoseconds)
    }

    package func cancel() {
      if loop.isCurrent { end() } else { loop.execute { self.end() } }
    }

    private func end() {
      work = nil
      // The timer may be the caller of this very function through its closure, so it goes a little later.
      if let timer {
        timer.cancel()
        self.timer = nil
        loop.release(timer)
      }
    }
  }

  /// Runs `work` on the loop's thread once, after `delay` or a little later. May be called from any thread.
  @discardableResult
  package func schedule(after delay: Duration, _ work: @escaping @Sendable () -> Void) -> Scheduled {
    let scheduled = Scheduled(loop: self, work: work)
    let nanoseconds = delay.wholeNanoseconds
    if isCurrent {
      scheduled.arm(nanoseconds: nanoseconds)
    } else {
      execute { scheduled.arm(nanoseconds: nanoseconds) }
    }
    return scheduled
  }

  /// Suspends the calling task for `delay`; throws `CancellationError` as soon as the task is cancelled.
  package func sleep(for delay: Duration) async throws {
    let sleeper = Sleeper()
    try await withTaskCancellationHandler {
      try await withUnsafeThrowingContinuation { (continuation: UnsafeContinuation<Void, any Error>) in
        execute { sleeper.begin(continuation, on: self, delay: delay) }
      }
    } onCancel: {
      execute { sleeper.cancel() }
    }
  }
}

/// One `sleep`, of the loop's thread alone.
private final class Sleeper: @unchecked Sendable {
  private var isCancelled = false
  private var continuation: UnsafeContinuation<Void, any Error>?
  private var scheduled: EventLoop.Scheduled?

  func begin(_ continuation: UnsafeContinuation<Void, any Error>, on loop: EventLoop, delay: Duration) {
    if isCancelled {
      continuation.resume(throwing: CancellationError())
      return
    }
    self.continuation = continuation
    scheduled = loop.schedule(after: delay) { self.wake() }
  }

  func cancel() {
    isCancelled = true
    scheduled?.cancel()
    let waiting = continuation
    continuation = nil
    waiting?.resume(throwing: CancellationError())
  }

  private func wake() {
    let waiting = continuation
    continuation = nil
    waiting?.resume()
  }
}

extension EventLoop {
  /// Keeps a timer alive until its callback has returned.
  fileprivate func release(_ timer: LoopTimer) {
    nonisolated(unsafe) let timer = timer
    execute { _ = timer }
  }
}
