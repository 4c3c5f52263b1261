// Threads of their own for work that blocks: file I/O, fsync, compression of whole segments. An event loop or the
// shared concurrency pool never waits for a disk; a full queue here delays only those who wait for the same disk.

#if canImport(Glibc)
  import Glibc
#endif

/// A task executor (SE-0417) over a fixed number of named threads with one queue, first in first out. Use it by `run`,
/// as `Task(executorPreference:)` or by `withTaskExecutorPreference`.
package final class BlockingExecutor: TaskExecutor {
  private let queue: JobQueue

  /// Starts `threads` threads named `name-0`, `name-1`, ... (the kernel keeps 15 bytes of a name).
  package init(threads: Int, name: String) {
    precondition(threads > 0, "an executor without threads would never run anything")
    queue = JobQueue()
    for index in 0..<threads { start(thread: "\(name)-\(index)") }
  }

  package func enqueue(_ job: consuming ExecutorJob) { queue.append(UnownedJob(job)) }

  /// Lets the threads end once the queue is empty. Comes after the last use: later work would never run, so it traps.
  package func stop() { queue.close() }

  /// Runs `body` on one of the threads and comes back to the caller's own executor with its result.
  package func run<T: Sendable, E: Error>(_ body: @escaping @Sendable () throws(E) -> T) async throws(E) -> T {
    try await withTaskExecutorPreference(self) { () async throws(E) -> T in try await Self.onPreferred(body) }
  }

  /// `@concurrent`: leaves the caller's executor for the preferred one, whatever isolation the caller has.
  @concurrent private static func onPreferred<T: Sendable, E: Error>(
    _ body: @Sendable () throws(E) -> T
  ) async throws(E) -> T {
    try body()
  }

  /// What a thread is given at its start. The thread keeps the executor alive until `stop`.
  private final class Start {
    let executor: BlockingExecutor
    let name: String

    init(executor: BlockingExecutor, name: String) {
      self.executor = executor
      self.name = name
    }
  }

  private func start(thread name: String) {
    var thread = pthread_t()
    let start = Unmanaged.passRetained(Start(executor: self, name: String(name.prefix(15))))
    let code = pthread_create(
      &thread, nil,
      { argument in
        guard let argument else { return nil }
        let start = Unmanaged<Start>.fromOpaque(argument).takeRetainedValue()
        nameThisThread(start.name)
        start.executor.work()
        return nil
      }, start.toOpaque())
    precondition(code == 0, "no thread could be started: error \(code)")
    pthread_detach(thread)
  }

  private func work() {
    while let job = queue.next() { job.runSynchronously(on: asUnownedTaskExecutor()) }
  }
}

/// Names the calling thread for `top -H` and debuggers. By way of /proc, because the function for it is not imported
/// into Swift; a failure costs only the name.
private func nameThisThread(_ name: String) {
  let file = open("/proc/thread-self/comm", O_WRONLY | O_CLOEXEC)
  guard file >= 0 else { return }
  _ = write(file, name, name.utf8.count)
  close(file)
}

/// A queue that threads wait on. Swift has no condition variable of its own, hence pthreads', in memory that never
/// moves.
private final class JobQueue: @unchecked Sendable {
  private let mutex = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
  private let condition = UnsafeMutablePointer<pthread_cond_t>.allocate(capacity: 1)
  // Both guarded by `mutex`. Jobs are taken from `head`; the array is compacted when half of it is spent.
  private var jobs: [UnownedJob] = []
  private var head = 0
  private var isClosed = false

  init() {
    mutex.initialize(to: pthread_mutex_t())
    condition.initialize(to: pthread_cond_t())
    pthread_mutex_init(mutex, nil)
    pthread_cond_init(condition, nil)
  }

  deinit {
    pthread_cond_destroy(condition)
    pthread_mutex_destroy(mutex)
    condition.deallocate()
    mutex.deallocate()
  }

  func append(_ job: UnownedJob) {
    pthread_mutex_lock(mutex)
    precondition(!isClosed, "work was given to an executor that has been stopped")
    jobs.append(job)
    pthread_cond_signal(condition)
    pthread_mutex_unlock(mutex)
  }

  func close() {
    pthread_mutex_lock(mutex)
    isClosed = true
    pthread_cond_broadcast(condition)
    pthread_mutex_unlock(mutex)
  }

  /// The next job, waiting for one; nil when closed and empty.
  func next() -> UnownedJob? {
    pthread_mutex_lock(mutex)
    defer { pthread_mutex_unlock(mutex) }
    while head == jobs.count {
      if isClosed { return nil }
      pthread_cond_wait(condition, mutex)
    }
    let job = jobs[head]
    head += 1
    if head == jobs.count || head >= 1024 {
      jobs.removeFirst(head)
      head = 0
    }
    return job
  }
}
