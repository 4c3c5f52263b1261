// Signals as loop callbacks. libevent delivers a signal to one base of the process: use one loop for all of them.

import CLibevent

/// Calls its work on the loop's thread for every delivery until it is cancelled.
package final class LoopSignal: @unchecked Sendable {
  private let loop: EventLoop
  private let work: @Sendable () -> Void
  // Of the loop's thread alone.
  private var event: OpaquePointer?

  fileprivate init(loop: EventLoop, work: @escaping @Sendable () -> Void) {
    self.loop = loop
    self.work = work
  }

  deinit {
    if let event { event_free(event) }
  }

  fileprivate func start(_ number: Int32) {
    let context = Unmanaged.passUnretained(self).toOpaque()
    event = event_new(
      loop.base, number, Int16(EV_SIGNAL | EV_PERSIST),
      { _, _, context in
        guard let context else { return }
        Unmanaged<LoopSignal>.fromOpaque(context).takeUnretainedValue().work()
      }, context)
    if let event { event_add(event, nil) }
  }

  /// Gives the signal its former action back. Without it the handler ends with the last reference.
  package func cancel() {
    loop.execute { [self] in
      if let event { event_free(event) }
      event = nil
    }
  }
}

extension EventLoop {
  /// Handles the signal `number` (SIGTERM, SIGINT, SIGHUP) on this loop from the return of this call on, for as long
  /// as the result lives.
  package func onSignal(_ number: Int32, _ work: @escaping @Sendable () -> Void) async -> LoopSignal {
    let handler = LoopSignal(loop: self, work: work)
    await run { handler.start(number) }
    return handler
  }
}
