// Owns one libevent base, the thread that runs it and the queue of work for that thread. The loop is also a Swift
// executor, so `async` code that belongs to a socket runs on the thread that owns the socket and never hops.
// Everything else in this target (timers, signals, connections, listeners) may be touched on its loop's thread only;
// `execute` is the one door from outside.

import CLibevent
import Glibc
import Primitives
import Synchronization

package final class EventLoop: SerialExecutor, TaskExecutor, @unchecked Sendable {
  package let name: String
  package let clock: any Clock
  /// How late the loop is; readable from any thread.
  package let lag: LoopLag

  let base: OpaquePointer
  private let wake: OpaquePointer
  /// The loop's thread while it runs, else 0. `pthread_t` is an integer here, so it can be read from any thread.
  private let threadID = Atomic<UInt>(0)
  private let remote = Mutex(Queue())
  private let joined = Mutex<pthread_t?>(nil)

  // Of the loop's thread alone.
  private var local = Queue()
  private var spare = Queue()
  private var isDraining = false
  private var turnHooks: [() -> Void] = []
  private var lagTimer: LoopTimer?

  /// What waits to run: jobs of Swift's tasks, and plain closures.
  private struct Queue {
    var jobs: [UnownedJob] = []
    var works: [@Sendable () -> Void] = []

    var isEmpty: Bool { jobs.isEmpty && works.isEmpty }

    mutating func clear() {
      jobs.removeAll(keepingCapacity: true)
      works.removeAll(keepingCapacity: true)
    }
  }

  /// Rounds of work that made more work on this thread before sockets get their turn again.
  private static let roundsPerTurn = 16

  /// Starts the thread. `name` is shown by `ps -L`, cut to 15 bytes. Throws where the system gives no epoll instance
  /// or thread.
  package init(name: String, clock: any Clock = SystemClock()) throws(SystemError) {
    ProcessSetup.once
    guard let base = event_base_new() else { throw SystemError("event_base_new", errno) }
    guard let wake = event_new(base, -1, Int16(EV_PERSIST), EventLoop.wakeCallback, nil) else {
      event_base_free(base)
      throw SystemError("event_new", ENOMEM)
    }
    self.name = name
    self.clock = clock
    self.base = base
    self.wake = wake
    lag = LoopLag(clock: clock)
    event_assign(wake, base, -1, Int16(EV_PERSIST), EventLoop.wakeCallback, Unmanaged.passUnretained(self).toOpaque())
    event_add(wake, nil)
    execute { [unowned self] in startLagMeasurement() }
    try start()
  }

  deinit {
    event_free(wake)
    event_base_free(base)
  }

  // MARK: Executor

  package func enqueue(_ job: consuming ExecutorJob) {
    let job = UnownedJob(job)
    if isCurrent {
      let wasEmpty = local.isEmpty
      local.jobs.append(job)
      if wasEmpty, !isDraining { event_active(wake, Int32(EV_READ), 0) }
    } else {
      let wasEmpty = remote.withLock { queue in
        defer { queue.jobs.append(job) }
        return queue.isEmpty
      }
      if wasEmpty { event_active(wake, Int32(EV_READ), 0) }
    }
  }

  package func checkIsolated() {
    precondition(isCurrent, "not on the thread of event loop \(name)")
  }

  package func isIsolatingCurrentContext() -> Bool? { isCurrent }

  /// Whether the caller runs on this loop's thread.
  @inline(__always)
  package var isCurrent: Bool { threadID.load(ordering: .relaxed) == pthread_self() }

  // MARK: Work

  /// Runs `work` on the loop's thread, later in this turn where the caller is on it already.
  package func execute(_ work: @escaping @Sendable () -> Void) {
    if isCurrent {
      let wasEmpty = local.isEmpty
      local.works.append(work)
      if wasEmpty, !isDraining { event_active(wake, Int32(EV_READ), 0) }
    } else {
      let wasEmpty = remote.withLock { queue in
        defer { queue.works.append(work) }
        return queue.isEmpty
      }
      if wasEmpty { event_active(wake, Int32(EV_READ), 0) }
    }
  }

  /// Runs `work` on the loop's thread and returns what it gave.
  package func run<Result: Sendable>(_ work: @escaping @Sendable () -> Result) async -> Result {
    if isCurrent { return work() }
    return await withUnsafeContinuation { continuation in
      execute { continuation.resume(returning: work()) }
    }
  }

  /// Calls `hook` on the loop's thread after every drain of the queue, for as long as the loop lives: so that a layer
  /// above can hand over in one piece what all the work of one turn produced.
  package func addTurnHook(_ hook: @escaping @Sendable () -> Void) {
    execute { [unowned self] in turnHooks.append(hook) }
  }

  private static let wakeCallback: event_callback_fn = { _, _, context in
    guard let context else { return }
    Unmanaged<EventLoop>.fromOpaque(context).takeUnretainedValue().drain()
  }

  /// Runs everything queued at this moment and what that adds, then the turn hooks. Sockets that became ready in the
  /// same turn were served before, because the wake event stands behind theirs: their work is drained together.
  private func drain() {
    isDraining = true
    remote.withLock { queue in swap(&queue, &spare) }
    runSpare()
    var rounds = 0
    while !local.isEmpty, rounds < Self.roundsPerTurn {
      swap(&local, &spare)
      runSpare()
      rounds += 1
    }
    for hook in turnHooks { hook() }
    isDraining = false
    guard !local.isEmpty else { return }
    // Active events are run until there are none: without the second call the wake event would come again before any
    // socket or timer has had its turn.
    event_active(wake, Int32(EV_READ), 0)
    event_base_loopcontinue(base)
  }

  private func runSpare() {
    var batch = Queue()
    swap(&batch, &spare)
    let executor = asUnownedTaskExecutor()
    for job in batch.jobs { job.runSynchronously(on: executor) }
    for work in batch.works { work() }
    batch.clear()
    swap(&batch, &spare)
  }

  // MARK: Thread

  private func start() throws(SystemError) {
    var thread = pthread_t()
    let context = Unmanaged.passRetained(self)
    let status = pthread_create(
      &thread, nil,
      { context in
        guard let context else { return nil }
        Unmanaged<EventLoop>.fromOpaque(context).takeRetainedValue().threadMain()
        return nil
      }, context.toOpaque())
    guard status == 0 else {
      context.release()
      throw SystemError("pthread_create", status)
    }
    joined.withLock { $0 = thread }
  }

  private func threadMain() {
    callflow_name_thread(String(name.prefix(15)))
    threadID.store(pthread_self(), ordering: .relaxed)
    event_base_loop(base, EVLOOP_NO_EXIT_ON_EMPTY)
    drain()
    lagTimer = nil
    turnHooks = []
    threadID.store(0, ordering: .relaxed)
  }

  /// Ends the loop after the work that is queued now and waits for the thread. Tasks that still wait on this loop
  /// never resume, so whatever lives on it is stopped before.
  package func stop() {
    let thread = joined.withLock { thread in
      defer { thread = nil }
      return thread
    }
    guard let thread else { return }
    execute { [unowned self] in event_base_loopbreak(base) }
    if isCurrent { pthread_detach(thread) } else { pthread_join(thread, nil) }
  }

  private func startLagMeasurement() {
    lagTimer = LoopTimer(loop: self) { [unowned self] in
      lag.ticked()
      lagTimer?.arm(nanoseconds: LoopLag.intervalNanoseconds)
    }
    lag.started()
    lagTimer?.arm(nanoseconds: LoopLag.intervalNanoseconds)
  }
}

/// What must happen once in a process before the first base.
enum ProcessSetup {
  static let once: Void = {
    evthread_use_pthreads()
    // A peer that is gone is an error of one write, never a signal: OpenSSL and libevent write without MSG_NOSIGNAL.
    signal(SIGPIPE, SIG_IGN)
  }()
}
