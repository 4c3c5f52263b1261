// Which segments are in the bucket: found by LIST. An inbox object is live until the commit log removes it; objects
// under `events/` are live only by an entry of that log, so they are never listed.

import Logging
import ObjectStore
import Primitives
import Synchronization

final class Catalog: Sendable {
  struct Settings: Sendable {
    /// A read may be this much older than the bucket.
    var refreshInterval: Int64
    var listsPerSecond: Double
  }

  private struct State {
    /// Monotonic time when the last successful refresh began; nil before the first.
    var refreshedAt: Int64?
    var completeAt: Int64?
    /// Monotonic time before which no LIST is sent.
    var nextListAt: Int64 = .min
    var running: Task<Void, Never>?
    /// By a number of their own, so that one can leave.
    var waiters: [UInt64: UnsafeContinuation<ObjectStoreError?, Never>] = [:]
    var waitersMade: UInt64 = 0
  }

  private let objects: any ObjectStore
  private let view: StoreView
  private let clock: any Clock
  private let reachability: Reachability
  private let settings: Settings
  private let pause: Pause
  private let executor: any TaskExecutor
  private let logger: Logger
  private let state = Mutex(State())

  /// New names are at most this old when they appear: the deadline of a PUT with its retries, and what clocks may
  /// differ by.
  private static let inboxWindowMilliseconds: Int64 = 180_000
  private static let completeInterval: Int64 = 300_000_000_000
  private static let listLimit = 1000
  /// While the store is known to be away, reads fail at once and one request in this time looks again.
  private static let failureHold: Int64 = 1_000_000_000

  init(
    objects: any ObjectStore, view: StoreView, clock: any Clock, reachability: Reachability, settings: Settings,
    pause: @escaping Pause, executor: any TaskExecutor, logger: Logger
  ) {
    self.objects = objects
    self.view = view
    self.clock = clock
    self.reachability = reachability
    self.settings = settings
    self.pause = pause
    self.executor = executor
    self.logger = logger
  }

  var isLoaded: Bool { state.withLock { $0.refreshedAt != nil } }

  /// Returns when the view has everything that was uploaded `refreshInterval` before now, or before now where
  /// `isStrong`.
  func ensureFresh(isStrong: Bool) async throws(ObjectStoreError) {
    let wanted = clock.monotonicNanoseconds() - (isStrong ? 0 : settings.refreshInterval)
    while !isFresh(since: wanted) {
      if let failure = reachability.failure(within: Self.failureHold) { throw failure }
      try await refreshOnce()
    }
  }

  private func isFresh(since wanted: Int64) -> Bool { state.withLock { ($0.refreshedAt ?? .min) >= wanted } }

  /// One refresh at a time, in a task of its own: who comes while one runs waits for its end and looks again. Waiting
  /// ends early where the waiter is cancelled; the refresh goes on for the others.
  private func refreshOnce() async throws(ObjectStoreError) {
    let id = state.withLock { state in
      state.waitersMade += 1
      return state.waitersMade
    }
    let failure: ObjectStoreError? = await withTaskCancellationHandler {
      await withUnsafeContinuation { waiter in
        state.withLock { state in
          state.waiters[id] = waiter
          if state.running == nil { state.running = Task(executorPreference: executor) { await self.refreshForAll() } }
        }
        // The handler below has run already where the cancellation came first.
        if Task.isCancelled { giveUp(id) }
      }
    } onCancel: {
      giveUp(id)
    }
    if let failure { throw failure }
  }

  private func giveUp(_ id: UInt64) {
    state.withLock { $0.waiters.removeValue(forKey: id) }?.resume(returning: .unavailable("the read was given up"))
  }

  private func refreshForAll() async {
    let failure = await attempt()
    let waiters = state.withLock { state in
      state.running = nil
      defer { state.waiters = [:] }
      return state.waiters
    }
    for waiter in waiters.values { waiter.resume(returning: failure) }
  }

  /// Ends a refresh that hangs: the store shuts down.
  private func stop() { state.withLock { $0.running }?.cancel() }

  private func attempt() async -> ObjectStoreError? {
    do {
      try await refresh()
      reachability.worked()
      return nil
    } catch {
      // What a shutdown cuts short says nothing about the store.
      if !Task.isCancelled { reachability.failed(error) }
      return error
    }
  }

  private func refresh() async throws(ObjectStoreError) {
    let start = clock.monotonicNanoseconds()
    let startWall = clock.wallNanoseconds()
    let isComplete = state.withLock { $0.completeAt.map { start - $0 >= Self.completeInterval } ?? true }
    var after: String? =
      isComplete ? nil : ObjectName.inbox(from: startWall / 1_000_000 - Self.inboxWindowMilliseconds)
    var listed: [Segment] = []
    await waitForTurn()
    while true {
      let page = try await objects.list(prefix: ObjectName.inbox, after: after, limit: Self.listLimit)
      for object in page.objects { listed += segment(object) }
      guard page.isTruncated else { break }
      // Taken for the end, an empty page would drop live segments from the view.
      guard let last = page.objects.last else { throw .unavailable("LIST gave an empty page that is not the last") }
      after = last.key
    }
    view.merge(listed: listed, isComplete: isComplete, listedAt: startWall)
    state.withLock { state in
      state.refreshedAt = start
      if isComplete { state.completeAt = start }
    }
  }

  /// Keeps refreshes at most `listsPerSecond`: LISTs cost money, and a storm of strong reads must not become one of
  /// LISTs.
  private func waitForTurn() async {
    let now = clock.monotonicNanoseconds()
    let interval = Int64(1e9 / settings.listsPerSecond)
    let turn = state.withLock { state in
      let turn = max(now, state.nextListAt)
      state.nextListAt = turn + interval
      return turn
    }
    if turn > now { await pause(turn - now) }
  }

  private func segment(_ object: ObjectInfo) -> [Segment] {
    guard let name = SegmentName(object.key.dropFirst(ObjectName.inbox.count)) else {
      logger.warning("object in the inbox is no segment", metadata: ["s3Key": "\(object.key)"])
      return []
    }
    return [
      Segment(
        identity: name.identity, location: .object(key: object.key),
        range: name.minMilliseconds * 1_000_000...name.maxMilliseconds * 1_000_000, count: name.count,
        size: object.size, uploadedAt: object.modified)
    ]
  }

  /// Looks in the background while reads come, rarely otherwise, so that a read seldom has to wait and the node knows
  /// whether its store is there. `isBusy` tells whether there were reads lately.
  func run(isBusy: @Sendable () -> Bool) async {
    let shortest = max(settings.refreshInterval, 100_000_000)
    var idle = shortest
    defer { stop() }
    while !Task.isCancelled {
      await pause(isBusy() ? shortest : idle)
      idle = isBusy() ? shortest : min(2 * idle, 30_000_000_000)
      // A failure is in `reachability`, where health and reads see it.
      _ = try? await ensureFresh(isStrong: false)
    }
  }
}
