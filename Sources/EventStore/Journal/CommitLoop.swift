// The one writer of the journal: swaps the queue, writes once, syncs once, publishes, resumes every waiter. Runs on a
// thread of its own.

import Logging
import Observability
import Primitives

/// A closed journal file on its way to become a segment.
struct SealedJournal: Sendable {
  var path: String
  var memtable: Memtable
  /// Monotonic nanoseconds of its first event.
  var since: Int64
}

/// All state belongs to the one task that is in `run`.
final class CommitLoop: @unchecked Sendable {
  private let folder: DataFolder
  private let writer: UInt64
  private let disk: any Disk
  private let clock: any Clock
  private let queue: CommitQueue
  private let view: StoreView
  private let backlog: Backlog
  private let sealed: WorkQueue<SealedJournal>
  private let metrics: StoreInstruments
  private let logger: Logger
  private let maxBacklogBytes: Int
  private let health: JournalHealth
  private let spares: JournalSpares

  private var schedule: SealSchedule
  private var open: OpenJournal?
  private var nextNumber: UInt64 = 1
  private var lastCreatedAt: Int64 = 0
  private var timerAt: Int64?
  /// Monotonic time before which a failed disk is not asked again.
  private var holdUntil: Int64 = .min

  /// When this many sealed files wait for the segment writer, commits wait too: memory is bounded, and requests in the
  /// queue are slowed before any is refused.
  private static let maxSealedWaiting = 4

  private static let holdNanoseconds: Int64 = 250_000_000
  private static let probeInterval: Int64 = 1_000_000_000
  /// What timers may come early by.
  private static let timerSlack: Int64 = 5_000_000

  init(
    folder: DataFolder, writer: UInt64, disk: any Disk, clock: any Clock, queue: CommitQueue, view: StoreView,
    backlog: Backlog, sealed: WorkQueue<SealedJournal>, limits: SealSchedule.Limits, maxBacklogBytes: Int,
    health: JournalHealth, spares: JournalSpares, metrics: StoreInstruments, logger: Logger
  ) {
    self.folder = folder
    self.writer = writer
    self.disk = disk
    self.clock = clock
    self.queue = queue
    self.view = view
    self.backlog = backlog
    self.sealed = sealed
    self.metrics = metrics
    self.logger = logger
    self.maxBacklogBytes = maxBacklogBytes
    self.health = health
    self.spares = spares
    schedule = SealSchedule(limits: limits)
  }

  /// Until the queue is closed and empty; then what is open is sealed. `wake(after:)` arranges one poke of the queue,
  /// in nanoseconds.
  func run(wake: (Int64) -> Void) async {
    while true {
      let (submissions, isClosed) = await queue.next()
      if !submissions.isEmpty {
        commit(submissions)
      } else if health.lastError != nil, !isClosed {
        probe()
      }
      if isClosed { break }
      if health.lastError != nil { wake(Self.probeInterval) }
      sealIfDue(wake)
      await sealed.room(below: Self.maxSealedWaiting)
    }
    seal()
    sealed.close()
  }

  /// An unready node gets no events from its balancer: it looks by itself whether the disk takes bytes again.
  private func probe() {
    do {
      let journal = try openJournal(now: clock.monotonicNanoseconds())
      open = journal
      health.worked()
    } catch {
      note(error)
    }
  }

  private func commit(_ submissions: [Submission]) {
    let start = clock.monotonicNanoseconds()
    let size = submissions.reduce(0) { $0 + $1.batch.bytes.count }
    do {
      let backlogBytes = backlog.bytes
      guard backlogBytes + size <= maxBacklogBytes else {
        health.wasFull(atBytes: backlogBytes)
        throw EventStoreError.cannotStore("journal and spool are full (storage.journal.max_bytes = \(maxBacklogBytes))")
      }
      var journal = try openJournal(now: start)
      // Taken out, so that the arrays inside are changed in place, and put back only if the file may be used again.
      open = nil
      for submission in submissions { journal.stage(submission.batch, stamp: nextCreatedAt) }
      do {
        try journal.commit()
      } catch {
        abandon(journal)
        throw error
      }
      if journal.firstEventAt == nil { journal.firstEventAt = start }
      if submissions.contains(where: \.wantsObjectStore) { journal.hasWaiters = true }
      open = journal
      health.worked()
      backlog.set(journal.identity, bytes: journal.offset, since: journal.firstEventAt ?? start, isSealed: false)
      let events = submissions.reduce(0) { $0 + $1.batch.count }
      metrics.eventBytes.add(size)
      metrics.commitBatchEvents.observe(Double(events))
      metrics.commitDuration.observe(nanoseconds: clock.monotonicNanoseconds() - start)
      for submission in submissions { submission.done.resume(returning: .success(journal.identity)) }
    } catch {
      refuse(submissions, error)
    }
  }

  private func refuse(_ submissions: [Submission], _ error: any Error) {
    let failure: EventStoreError
    if let disk = error as? DiskError {
      note(disk)
      failure = .cannotStore(disk.description)
    } else {
      failure = error as? EventStoreError ?? .cannotStore("\(error)")
    }
    for submission in submissions { submission.done.resume(returning: .failure(failure)) }
  }

  private func note(_ error: DiskError) {
    if health.lastError != error { logger.error("journal cannot be written", metadata: ["error": "\(error)"]) }
    metrics.journalError(error.operation)
    health.failed(error)
  }

  private func openJournal(now: Int64) throws(DiskError) -> OpenJournal {
    if let open { return open }
    if now < holdUntil, let failure = health.lastError { throw failure }
    let identity = FileIdentity(writer: writer, number: nextNumber)
    nextNumber += 1
    do {
      let journal = try OpenJournal(identity, folder: folder, disk: disk, spares: spares)
      view.add(journal.memtable)
      return journal
    } catch {
      // A full disk would otherwise collect one empty file for each refused commit, thousands a second.
      try? disk.remove(folder.journal(identity))
      holdUntil = now + Self.holdNanoseconds
      throw error
    }
  }

  /// An error on a file is final for it (a second fsync may lie): its durable part becomes a segment, new events go to
  /// a new file.
  private func abandon(_ journal: OpenJournal) {
    open = journal
    // What was refused must not be replayed as if it had been stored. Only a help: a crash before this leaves it to
    // chance.
    journal.truncate()
    seal()
  }

  private func nextCreatedAt() -> Int64 {
    lastCreatedAt = max(lastCreatedAt + 1, clock.wallNanoseconds())
    return lastCreatedAt
  }

  private func sealIfDue(_ wake: (Int64) -> Void) {
    guard let journal = open, let firstEventAt = journal.firstEventAt else { return }
    let now = clock.monotonicNanoseconds()
    // A timer that came early must not keep the next one from being set.
    if let timer = timerAt, timer <= now + Self.timerSlack { timerAt = nil }
    let state = SealSchedule.Open(bytes: journal.bytes, firstEventAt: firstEventAt, hasWaiters: journal.hasWaiters)
    switch schedule.decide(state, inFlight: backlog.inFlight, now: now) {
    case .seal:
      schedule.sealed(at: now)
      seal()
    case .wait(let until):
      if let timer = timerAt, timer <= until { return }
      timerAt = until
      wake(until - now)
    }
  }

  private func seal() {
    guard let journal = open else { return }
    open = nil
    journal.close()
    guard let since = journal.firstEventAt else {
      view.drop(journal.memtable)
      try? disk.remove(journal.path)
      return
    }
    backlog.set(journal.identity, bytes: journal.offset, since: since, isSealed: true)
    sealed.push(SealedJournal(path: journal.path, memtable: journal.memtable, since: since))
  }
}
