// TERM and INT end the service, HUP reloads it.

import EventLoop
import Glibc
import Primitives
import Synchronization

/// Handles the signals for as long as it lives.
final class Signals: Sendable {
  private let handlers = Mutex<[LoopSignal]>([])
  private let isServing = Atomic<Bool>(false)
  /// Monotonic time of the first signal that stops; 0 before.
  private let stoppedAt = Atomic<Int64>(0)
  private let clock: any Clock
  /// One TERM may come twice: from the service manager to the process, and through a parent to its group.
  private static let repeatNanoseconds: Int64 = 1_000_000_000
  private let stops: AsyncStream<Void>
  private let stop: AsyncStream<Void>.Continuation
  private let hangUps: AsyncStream<Void>
  private let hangUp: AsyncStream<Void>.Continuation

  init(on loop: EventLoop, clock: any Clock) async {
    self.clock = clock
    (stops, stop) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1))
    (hangUps, hangUp) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1))
    for number in [SIGTERM, SIGINT] { await handle(number, on: loop) { $0.stopOrExit() } }
    await handle(SIGHUP, on: loop) { $0.hangUp.yield() }
  }

  private func handle(_ number: Int32, on loop: EventLoop, _ work: @escaping @Sendable (Signals) -> Void) async {
    let handler = await loop.onSignal(number) { [weak self] in
      if let self { work(self) }
    }
    handlers.withLock { $0.append(handler) }
  }

  /// From now on TERM and INT drain. Before, nothing was promised to anybody and they end the process at once.
  func serving() { isServing.store(true, ordering: .relaxed) }

  /// A second signal ends the process at once: the journal is made for that.
  private func stopOrExit() {
    if !isServing.load(ordering: .relaxed) { _exit(0) }
    let now = clock.monotonicNanoseconds()
    let (isFirst, first) = stoppedAt.compareExchange(expected: 0, desired: now, ordering: .relaxed)
    if isFirst { stop.yield() } else if now - first > Self.repeatNanoseconds { _exit(1) }
  }

  /// Returns at the first TERM or INT; meanwhile calls `reload` for each HUP, one after the other.
  func untilStopped(reload: @escaping @Sendable () async -> Void) async {
    await withDiscardingTaskGroup { tasks in
      tasks.addTask { for await _ in self.hangUps { await reload() } }
      for await _ in stops { break }
      tasks.cancelAll()
    }
  }
}
