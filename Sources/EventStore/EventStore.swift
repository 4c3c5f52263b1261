// The façade of the event store: one pipeline for every event, one view for every read. The pieces are in the folders
// beside this file.

import Logging
import ObjectStore
import Observability
import Primitives
import Synchronization

package struct EventStoreSettings: Sendable {
  /// `storage.data`.
  package var dataFolder: String
  package var acknowledge: Durability = .journal
  package var uploadIntervalSeconds: Double = 10
  package var uploadBytes = 16 << 20
  package var objectStoreIntervalSeconds: Double = 0.1
  package var journalMaxBytes = 8 << 30
  package var refreshIntervalSeconds: Double = 1
  package var listPerSecond: Double = 5
  package var memoryBytes = 128 << 20
  package var queryTimeoutSeconds: Double = 20
  package var queryMaxScanBytes = 4 << 30
  package var queryConcurrency = 32
  package var limits = EventLimits()

  package init(dataFolder: String) { self.dataFolder = dataFolder }
}

/// Where the store's work runs, so that a simulation can run all of it on one thread in an order of its own.
package struct EventStoreExecutors: Sendable {
  /// fdatasync of the journal. One thread.
  package var commit: any TaskExecutor
  /// Compression, spool files, adoption. One thread.
  package var segments: any TaskExecutor
  /// Reads: decompression and spool reads.
  package var queries: any TaskExecutor

  package init(commit: any TaskExecutor, segments: any TaskExecutor, queries: any TaskExecutor) {
    self.commit = commit
    self.segments = segments
    self.queries = queries
  }

  /// Threads of their own.
  package static func threads() -> EventStoreExecutors {
    EventStoreExecutors(
      commit: BlockingExecutor(threads: 1, name: "commit"), segments: BlockingExecutor(threads: 1, name: "segment"),
      queries: BlockingExecutor(threads: 4, name: "query"))
  }
}

package final class EventStore: Sendable {
  let settings: EventStoreSettings
  let folder: DataFolder
  let disk: any Disk
  let objects: any ObjectStore
  let clock: any Clock
  let random: any RandomSource
  let executors: EventStoreExecutors
  let pause: Pause
  let metrics: StoreInstruments
  let logger: Logger

  let view = StoreView()
  let backlog = Backlog()
  let queue: CommitQueue
  let sealed = WorkQueue<SealedJournal>()
  let uploads = WorkQueue<PendingUpload>()
  let reachability: Reachability
  let places: ReadPlaces
  let journalHealth = JournalHealth()
  let catalog: Catalog
  let reader: SegmentReader
  let state = Mutex(State())

  struct State {
    var salt: [UInt8]?
    /// `salt` is what the bucket says, not only what an earlier start found there.
    var isDescribed = false
    /// Locks of writer folders: our own and adopted ones.
    var locks: [UInt64: any DiskLock] = [:]
    var writer: UInt64 = 0
    var main: Task<Void, Never>?
    var lastReadAt: Int64 = .min / 2
    var isExpiring = false
  }

  /// Bytes of events that wait for the journal before requests are refused.
  private static let queueBytes = 64 << 20

  package init(
    settings: EventStoreSettings, objects: any ObjectStore, disk: any Disk = PosixDisk(), clock: any Clock,
    random: any RandomSource, executors: EventStoreExecutors, pause: @escaping Pause,
    commitWakeUp: CommitWakeUp = .immediate, metrics: MetricRegistry, logger: Logger
  ) {
    self.settings = settings
    self.objects = objects
    self.disk = disk
    self.clock = clock
    self.random = random
    self.executors = executors
    self.pause = pause
    self.logger = logger
    self.metrics = StoreInstruments(metrics)
    places = ReadPlaces(limit: settings.queryConcurrency)
    folder = DataFolder(path: settings.dataFolder)
    queue = CommitQueue(maxBytes: Self.queueBytes, wakeUp: commitWakeUp)
    reachability = Reachability(clock: clock)
    catalog = Catalog(
      objects: objects, view: view, clock: clock, reachability: reachability,
      settings: Catalog.Settings(
        refreshInterval: Self.nanoseconds(settings.refreshIntervalSeconds), listsPerSecond: settings.listPerSecond),
      pause: pause, executor: executors.segments, logger: logger)
    reader = SegmentReader(disk: disk, objects: objects, memoryBytes: settings.memoryBytes, metrics: self.metrics)
    registerReadings(metrics)
  }

  static func nanoseconds(_ seconds: Double) -> Int64 { Int64(seconds * 1e9) }

  // MARK: Writing

  /// For the events of one request.
  package func makeBatch() -> EventBatch {
    EventBatch(limits: settings.limits, now: clock.wallNanoseconds(), random: random, salt: salt)
  }

  /// See `CommitWakeUp.byTurn`. For the thread that called `commit`.
  package func turnEnded() { queue.turnEnded() }

  /// Answers those who wait for the object store with what they have: the node is about to stop, and their connections
  /// with it.
  package func endWaits() { backlog.endWaits() }

  /// Makes the batch durable and returns how durable it is: `.journal` although `.objectStore` was asked for means that
  /// the object store did not answer within `timeout` and the journal has it (202). Throws `EventStoreError`.
  package func commit(
    _ batch: EventBatch, acknowledge: Durability?, timeout: Duration
  ) async throws(EventStoreError) -> Durability {
    precondition(batch.count > 0, "an empty batch is refused before it comes here")
    guard batch.bytes.count <= JournalFormat.maxPayloadSize else {
      throw .cannotStore("the request's events are larger than one journal record may be")
    }
    let wanted = acknowledge ?? settings.acknowledge
    let count = batch.count
    metrics.accepted.add(count)
    let file: FileIdentity
    switch await queue.submit(batch, wantsObjectStore: wanted == .objectStore) {
    case .success(let identity): file = identity
    case .failure(let error): throw error
    }
    guard wanted == .objectStore else {
      metrics.storedInJournal.add(count)
      return .journal
    }
    let deadline = clock.monotonicNanoseconds() + timeout.nanoseconds
    let isUploaded = await backlog.waitUntilUploaded(file, deadline: deadline) { startExpiring() }
    (isUploaded ? metrics.storedInObjectStore : metrics.storedInJournal).add(count)
    return isUploaded ? .objectStore : .journal
  }

  /// Keeps the deadlines of those who wait for the object store, as long as there are any.
  private func startExpiring() {
    let isRunning = state.withLock { state in
      defer { state.isExpiring = true }
      return state.isExpiring
    }
    guard !isRunning else { return }
    Task(executorPreference: executors.segments) { [self] in
      while true {
        await pause(50_000_000)
        backlog.expire(now: clock.monotonicNanoseconds())
        // Under the lock: a waiter that registers after this look finds `isExpiring` false and starts the next round.
        let isOver = state.withLock { state in
          state.isExpiring = backlog.hasWaiters
          return !state.isExpiring
        }
        if isOver { return }
      }
    }
  }

  /// Key for cursors' checksums and keyed ids, from `store.json`; nil until the store was reached once.
  package var salt: [UInt8]? { state.withLock { $0.salt } }

  // MARK: Health

  package struct Health: Sendable {
    /// The last request to the object store worked.
    package var storeReachable: Bool
    /// Events can be made durable.
    package var canStore: Bool
    /// Why not, for /readyz.
    package var causes: [String: String]
    package var journalBytes: Int
    package var oldestUnuploadedSeconds: Double

    package init(
      storeReachable: Bool, canStore: Bool, causes: [String: String], journalBytes: Int, oldestUnuploadedSeconds: Double
    ) {
      self.storeReachable = storeReachable
      self.canStore = canStore
      self.causes = causes
      self.journalBytes = journalBytes
      self.oldestUnuploadedSeconds = oldestUnuploadedSeconds
    }
  }

  package var health: Health {
    var causes: [String: String] = [:]
    let failure = reachability.failure
    if let failure { causes["store"] = failure.message }
    let bytes = backlog.bytes
    if bytes >= settings.journalMaxBytes || journalHealth.isFull(atBytes: bytes) {
      causes["journal"] = "full: \(bytes) of \(settings.journalMaxBytes) bytes"
    } else if let failure = journalHealth.lastError {
      causes["journal"] = failure.description
    }
    return Health(
      storeReachable: failure == nil, canStore: causes["journal"] == nil, causes: causes, journalBytes: bytes,
      oldestUnuploadedSeconds: oldestUnuploadedSeconds)
  }

  var oldestUnuploadedSeconds: Double {
    backlog.oldestSince.map { Double(clock.monotonicNanoseconds() - $0) / 1e9 } ?? 0
  }

  private func registerReadings(_ registry: MetricRegistry) {
    registry.reading("callflow_journal_bytes", "Bytes of journal and spool that are not in the bucket yet.") {
      [weak self] in Double(self?.backlog.bytes ?? 0)
    }
    let maxBytes = Double(settings.journalMaxBytes)
    registry.reading("callflow_journal_max_bytes", "Bound of journal and spool.") { maxBytes }
    registry.reading("callflow_oldest_unuploaded_seconds", "Age of the oldest event that is not in the bucket yet.") {
      [weak self] in self?.oldestUnuploadedSeconds ?? 0
    }
    for tier in ["spool", "inbox"] {
      registry.reading("callflow_segments", "Segments by tier.", [("tier", tier)]) { [weak self] in
        Double(self?.view.totals(isUploaded: tier == "inbox").segments ?? 0)
      }
      registry.reading("callflow_stored_bytes", "Bytes of segments by tier.", [("tier", tier)]) { [weak self] in
        Double(self?.view.totals(isUploaded: tier == "inbox").bytes ?? 0)
      }
    }
  }
}

extension Duration {
  var nanoseconds: Int64 {
    let (seconds, attoseconds) = components
    return seconds * 1_000_000_000 + attoseconds / 1_000_000_000
  }
}
