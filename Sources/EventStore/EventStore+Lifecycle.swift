// Start, the tasks that run while the store lives, and the orderly end.

import Logging
import ObjectStore
import Primitives
import Synchronization

extension EventStore {
  /// Locks a new writer folder, replays what earlier processes left, and starts the tasks. Returns when events can be
  /// taken; the object store need not answer. Throws `DiskError` where the data folder cannot be used, and
  /// `ObjectStoreError.misconfigured` where only a person can mend the store.
  package func start() async throws {
    try await onSegmentThread { store throws(DiskError) in try store.openFolders() }
    try await describeStore()
    let writer = state.withLock { $0.writer }
    let spares = JournalSpares(folder: folder.journal(writer: writer), disk: disk)
    let loop = CommitLoop(
      folder: folder, writer: writer, disk: disk, clock: clock, queue: queue, view: view,
      backlog: backlog, sealed: sealed,
      limits: SealSchedule.Limits(
        bytes: settings.uploadBytes, interval: Self.nanoseconds(settings.uploadIntervalSeconds),
        objectStoreInterval: Self.nanoseconds(settings.objectStoreIntervalSeconds)),
      maxBacklogBytes: settings.journalMaxBytes, health: journalHealth, spares: spares, metrics: metrics, logger: logger
    )
    let main = Task(executorPreference: executors.segments) { await self.run(loop, spares) }
    state.withLock { $0.main = main }
  }

  private func onSegmentThread<Value: Sendable>(
    _ body: @escaping @Sendable (EventStore) throws(DiskError) -> Value
  ) async throws -> Value {
    try await Task(executorPreference: executors.segments) { try body(self) }.value
  }

  private var adoption: Adoption {
    Adoption(
      folder: folder, disk: disk, clock: clock, view: view, backlog: backlog, uploads: uploads, metrics: metrics,
      logger: logger, keep: { writer, lock in self.state.withLock { $0.locks[writer] = lock } })
  }

  private func openFolders() throws(DiskError) {
    try disk.makeFolder(folder.journal)
    try disk.makeFolder(folder.spool)
    adoption.adoptAll()
    // A new writer for each life of a process: its file numbers start at 1 and were never used before.
    let writer = random.next() & WriterName.mask
    try disk.makeFolder(folder.journal(writer: writer))
    try disk.makeFolder(folder.spool(writer: writer))
    guard let lock = try disk.lock(folder.lock(writer: writer)) else {
      throw DiskError(operation: "flock", path: folder.lock(writer: writer), code: 0, reason: "a new folder is in use")
    }
    state.withLock { state in
      state.writer = writer
      state.locks[writer] = lock
    }
  }

  /// The store's salt: from the bucket, or from the copy of an earlier start while the bucket does not answer.
  private func describeStore() async throws {
    if let bytes = try? await onSegmentThread({ store throws(DiskError) in
      try store.disk.readWhole(store.folder.storeDescription)
    }), let description = try? StoreDescription(parsing: bytes) {
      state.withLock { $0.salt = description.salt }
    }
    do {
      try await loadDescriptionInTime()
    } catch let error as ObjectStoreError {
      guard case .unavailable = error else { throw error }
      reachability.failed(error)
      logger.warning(
        "object store does not answer; events are taken into the journal and uploaded later",
        metadata: ["error": "\(error.message)"])
    }
  }

  /// A store that swallows requests must not keep the node from taking events.
  private static let descriptionPatience: Int64 = 3_000_000_000

  private func loadDescriptionInTime() async throws {
    let pause = self.pause
    try await withThrowingTaskGroup(of: Void.self) { group in
      group.addTask { try await self.loadDescription() }
      group.addTask {
        await pause(Self.descriptionPatience)
        try Task.checkCancellation()
        throw ObjectStoreError.unavailable("the object store did not answer within 3 s")
      }
      defer { group.cancelAll() }
      try await group.next()
    }
  }

  private func loadDescription() async throws {
    let description = try await StoreDescription.load(from: objects, random: random)
    reachability.worked()
    if let salt, salt != description.salt {
      logger.warning("the data folder was used with another store before; this store's description is used now")
    }
    state.withLock { state in
      state.salt = description.salt
      state.isDescribed = true
    }
    // Only for starts while the store is away: a full disk must not keep this one from starting.
    do {
      try await onSegmentThread { store throws(DiskError) in
        let bytes = description.serialized()
        if (try? store.disk.readWhole(store.folder.storeDescription)) == bytes { return }
        try store.disk.writeDurably(bytes, to: store.folder.storeDescription, in: store.folder.path)
      }
    } catch {
      logger.warning("the store's description cannot be kept in the data folder", metadata: ["error": "\(error)"])
    }
  }

  /// The lifetime of everything that runs: ends when the queue is closed, all is sealed, and all is uploaded or given
  /// up.
  private func run(_ loop: CommitLoop, _ spares: JournalSpares) async {
    await withTaskGroup(of: Void.self) { background in
      background.addTask { await self.catalog.run { self.hadReadLately } }
      background.addTask { await self.watchFolders() }
      background.addTask { await self.retryDescription() }
      await runPipeline(loop, spares)
      spares.removeAll()
      background.cancelAll()
    }
  }

  private func runPipeline(_ loop: CommitLoop, _ spares: JournalSpares) async {
    await withDiscardingTaskGroup { group in
      group.addTask(executorPreference: executors.commit) { await self.runCommits(loop) }
      group.addTask(executorPreference: executors.segments) {
        await self.spooler(spares).run(self.sealed)
        self.uploads.close()
      }
      for _ in 0..<Uploader.parallelUploads {
        group.addTask(executorPreference: executors.segments) { await self.uploader.run(self.uploads) }
      }
    }
  }

  /// The commit loop with its timers, each of which pokes the queue once.
  private func runCommits(_ loop: CommitLoop) async {
    await withDiscardingTaskGroup { timers in
      await loop.run { nanoseconds in
        timers.addTask {
          await self.pause(nanoseconds)
          self.queue.poke()
        }
      }
      timers.cancelAll()
    }
  }

  private func spooler(_ spares: JournalSpares) -> Spooler {
    Spooler(
      folder: folder, disk: disk, view: view, backlog: backlog, uploads: uploads, spares: spares, metrics: metrics,
      logger: logger)
  }

  private var uploader: Uploader {
    Uploader(
      disk: disk, objects: objects, clock: clock, random: random, view: view, backlog: backlog,
      reachability: reachability, metrics: metrics, logger: logger, pause: pause,
      uploaded: { [weak self] _ in self?.queue.poke() })
  }

  private static let folderWatchInterval: Int64 = 10_000_000_000

  /// Adopts folders of processes that ended beside this one, and removes adopted folders that are empty now.
  private func watchFolders() async {
    while !Task.isCancelled {
      await pause(Self.folderWatchInterval)
      guard !Task.isCancelled else { return }
      try? await onSegmentThread { store throws(DiskError) in
        store.removeEmptyFolders()
        store.adoption.adoptAll()
      }
    }
  }

  private func removeEmptyFolders() {
    let (writer, adopted) = state.withLock { ($0.writer, Array($0.locks.keys)) }
    for other in adopted where other != writer && !backlog.has(writer: other) {
      let names = (try? disk.list(folder.journal(writer: other))) ?? []
      let spooled = (try? disk.list(folder.spool(writer: other))) ?? []
      guard names == ["lock"], spooled.isEmpty else { continue }
      try? disk.removeFolder(folder.spool(writer: other))
      try? disk.remove(folder.lock(writer: other))
      try? disk.removeFolder(folder.journal(writer: other))
      state.withLock { $0.locks.removeValue(forKey: other) }?.release()
    }
  }

  /// Until the store's description was read once.
  private func retryDescription() async {
    var backoff = UploadBackoff()
    while !Task.isCancelled, !state.withLock({ $0.isDescribed }) {
      await pause(backoff.wait(random: random.next()))
      do {
        try await loadDescription()
      } catch let error as ObjectStoreError {
        reachability.failed(error)
      } catch {
        logger.error("the store's description cannot be kept", metadata: ["error": "\(error)"])
      }
    }
  }

  /// Takes no more events, seals and uploads what is there until `deadline`; what is left stays in the journal and
  /// spool.
  package func drain(deadline: Duration) async {
    queue.close()
    guard let main = state.withLock({ $0.main }) else { return }
    let pause = self.pause
    await withTaskGroup(of: Void.self) { group in
      group.addTask {
        await pause(deadline.nanoseconds)
        // Ends the waits of the uploaders: what they hold stays in the spool.
        main.cancel()
      }
      await main.value
      group.cancelAll()
    }
    state.withLock { state in
      for lock in state.locks.values { lock.release() }
      state.locks = [:]
    }
  }
}
