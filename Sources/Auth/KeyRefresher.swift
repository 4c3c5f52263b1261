// Keeps the authorizer's keys fresh: reads the source every second, and at once when a request shows a key that is not
// known. One task does all reading, so reads are single-flight, at least `spacing` apart, and never on a loop thread:
// whoever runs `run()` chooses its executor.

import Primitives
import Synchronization

package final class KeyRefresher: Sendable {
  package typealias Sleep = @Sendable (Duration) async throws -> Void
  /// Told of a failed read where it is the first or fails otherwise than the last one, and of the first good one after
  /// it (nil).
  package typealias Report = @Sendable (KeySourceError?) -> Void

  package static let interval = Duration.seconds(1)
  /// At most 10 reads a second, whatever is presented.
  package static let spacing = Duration.milliseconds(100)
  /// Requests that may wait for a read; more are answered from the keys at hand.
  package static let maxWaiters = 1_000
  /// No request waits longer than two polls: a source that hangs must not hold it.
  private static let maxPollsWaited = 2

  private struct Waiter: Sendable {
    let continuation: CheckedContinuation<Void, Never>
    /// Reads begun before this waiter came: only a later one answers it.
    let readsBefore: Int
    var polls = 0
  }

  private struct State: Sendable {
    var isRunning = false
    var readsBegun = 0
    var waiters: [Waiter] = []

    mutating func remove(where isDue: (Waiter) -> Bool) -> [Waiter] {
      let due = waiters.filter(isDue)
      waiters.removeAll(where: isDue)
      return due
    }
  }

  private let source: any KeySource
  private let authorizer: Authorizer
  private let sleep: Sleep
  private let report: Report
  private let state = Mutex(State())
  private let demand: AsyncStream<Void>
  private let demandSink: AsyncStream<Void>.Continuation

  package init(
    source: any KeySource, authorizer: Authorizer, report: @escaping Report,
    sleep: @escaping Sleep = { try await Task.sleep(for: $0) }
  ) {
    self.source = source
    self.authorizer = authorizer
    self.report = report
    self.sleep = sleep
    (demand, demandSink) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1))
  }

  /// Returns after a read that began after this call, or when none can be had in time.
  package func refresh() async {
    await withCheckedContinuation { continuation in
      let isQueued = state.withLock { state in
        guard state.isRunning, state.waiters.count < Self.maxWaiters else { return false }
        state.waiters.append(Waiter(continuation: continuation, readsBefore: state.readsBegun))
        return true
      }
      if isQueued { demandSink.yield() } else { continuation.resume() }
    }
  }

  /// Reads until the task is cancelled; then lets all waiters go. Runs once.
  package func run() async {
    state.withLock { $0.isRunning = true }
    await withDiscardingTaskGroup { group in
      group.addTask { await self.poll() }
      group.addTask { await self.readOnDemand() }
    }
    let left = state.withLock { state in
      state.isRunning = false
      return state.remove(where: { _ in true })
    }
    for waiter in left { waiter.continuation.resume() }
  }

  private func poll() async {
    while !Task.isCancelled {
      demandSink.yield()
      guard (try? await sleep(Self.interval)) != nil else { break }
      let overdue = state.withLock { state in
        for index in state.waiters.indices { state.waiters[index].polls += 1 }
        return state.remove(where: { $0.polls >= Self.maxPollsWaited })
      }
      for waiter in overdue { waiter.continuation.resume() }
    }
    demandSink.finish()
  }

  private func readOnDemand() async {
    var version: String?
    var lastFailure: KeySourceError?
    for await _ in demand {
      let number = state.withLock { state in
        state.readsBegun += 1
        return state.readsBegun
      }
      do {
        if let snapshot = try await source.read(unless: version) {
          version = snapshot.version
          authorizer.use(KeySet(snapshot.document))
        }
        if lastFailure != nil { report(nil) }
        lastFailure = nil
      } catch {
        if error != lastFailure { report(error) }
        lastFailure = error
      }
      let answered = state.withLock { state in state.remove(where: { $0.readsBefore < number }) }
      for waiter in answered { waiter.continuation.resume() }
      guard (try? await sleep(Self.spacing)) != nil else { break }
    }
  }
}
