// Taking over what other processes left: every writer folder whose lock is free is replayed, spooled and uploaded under its own
// writer's name. At start this is recovery; later it finds the folders of processes that ended beside this one.

import Logging
import ObjectStore
import Primitives

struct Adoption: Sendable {
  let folder: DataFolder
  let disk: any Disk
  let clock: any Clock
  let view: StoreView
  let backlog: Backlog
  let uploads: WorkQueue<PendingUpload>
  let metrics: StoreInstruments
  let logger: Logger

  /// Adopts every folder that nobody has. Gives the locks, to be kept until the writers' files are uploaded.
  func adoptAll() throws(DiskError) -> [UInt64: any DiskLock] {
    var locks: [UInt64: any DiskLock] = [:]
    for name in try disk.list(folder.journal) {
      guard let writer = WriterName.parse(name), let lock = try? disk.lock(folder.lock(writer: writer)) else {
        continue
      }
      locks[writer] = lock
      try adopt(writer)
    }
    return locks
  }

  private func adopt(_ writer: UInt64) throws(DiskError) {
    let spool = folder.spool(writer: writer)
    try disk.makeFolder(spool)
    try disk.syncFolder(folder.spool)
    var spooled: Set<UInt64> = []
    for name in try disk.list(spool) {
      let path = spool + "/" + name
      if name.hasSuffix(".tmp") {
        try disk.remove(path)
      } else if let number = DataFolder.number(of: name, suffix: SegmentName.suffix) {
        let identity = FileIdentity(writer: writer, number: number)
        if let segment = try spooledSegment(identity, path) {
          spooled.insert(number)
          publish(segment, path)
        } else if try !hasJournal(identity) {
          try quarantine(path, "spool segment is damaged")
        }
      }
    }
    for name in try disk.list(folder.journal(writer: writer)) {
      guard let number = DataFolder.number(of: name, suffix: ".journal") else { continue }
      let path = folder.journal(writer: writer) + "/" + name
      // The segment was complete before the crash; only the journal's removal was missing.
      if spooled.contains(number) {
        try disk.remove(path)
      } else {
        try replay(FileIdentity(writer: writer, number: number), path)
      }
    }
  }

  private func hasJournal(_ identity: FileIdentity) throws(DiskError) -> Bool {
    let names = try disk.list(folder.journal(writer: identity.writer))
    return names.contains { DataFolder.number(of: $0, suffix: ".journal") == identity.number }
  }

  /// nil where the file is not the segment that its name says.
  private func spooledSegment(_ identity: FileIdentity, _ path: String) throws(DiskError) -> Segment? {
    let file = try disk.open(path)
    defer { file.close() }
    let size = try file.size()
    let tail = try file.read(max(0, size - SegmentFormat.footerFrameSize)..<size)
    guard let footer = try? tail.withRawBytes({ bytes throws(SegmentDamage) in try SegmentFooter(tail: bytes) }),
      footer.identity == identity
    else {
      return nil
    }
    return Spooler.segment(footer, at: path, size: size)
  }

  private func publish(_ segment: Segment, _ path: String) {
    view.publish(segment)
    backlog.set(segment.identity, bytes: segment.size, since: clock.monotonicNanoseconds(), isSealed: true)
    uploads.push(PendingUpload(segment: segment, body: .file(path: path, size: segment.size), journalPath: nil))
  }

  private func replay(_ identity: FileIdentity, _ path: String) throws(DiskError) {
    let bytes = try disk.readWhole(path)
    let contents: JournalContents
    do {
      contents = try bytes.withRawBytes { bytes throws(NewerJournalVersion) in
        try JournalContents(bytes, identity: identity)
      }
    } catch {
      throw DiskError(
        operation: "replay", path: path, code: 0,
        reason: "journal format \(error.version) is newer than this release reads (\(JournalFormat.version))")
    }
    let replayed = bytes.withUnsafeBytes { SegmentMaker.memtable(of: contents, $0) }
    do {
      if let made = try SegmentMaker.segment(of: replayed.memtable.snapshot) {
        let target = folder.segment(identity)
        try disk.writeDurably(made.bytes, to: target, in: folder.spool(writer: identity.writer))
        publish(Spooler.segment(made.footer, at: target, size: made.bytes.count), target)
        logger.info("journal replayed", metadata: ["journal": "\(path)", "events": "\(made.footer.events)"])
      }
    } catch let error as DiskError {
      throw error
    } catch {
      throw DiskError(operation: "replay", path: path, code: 0, reason: "\(error)")
    }
    // A header that was never synced has no acknowledged event behind it: nothing to keep.
    let isDamaged = replayed.damagedLines > 0 || !contents.damaged.isEmpty
    guard isDamaged || (contents.isHeaderDamaged && !contents.payloads.isEmpty) else { return try disk.remove(path) }
    metrics.journalError("replay")
    try quarantine(
      path, "damaged byte ranges \(contents.damaged), damaged lines \(replayed.damagedLines); what is good was replayed"
    )
  }

  /// Damaged files are kept for a person to look at, never read again.
  private func quarantine(_ path: String, _ reason: String) throws(DiskError) {
    try disk.makeFolder(folder.quarantine)
    let name = path.split(separator: "/").suffix(2).joined(separator: "-")
    try disk.rename(path, to: folder.quarantine + "/" + name)
    logger.error("file quarantined", metadata: ["file": "\(path)", "reason": "\(reason)"])
  }
}
