// Taking over what other processes left: every writer folder whose lock is free is replayed, spooled and uploaded under
// its own writer's name. At start this is recovery; later it finds the folders of processes that ended beside this one.

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
  /// Holds a folder's lock until the folder is empty.
  let keep: @Sendable (UInt64, any DiskLock) -> Void

  /// Adopts every folder that nobody has. What cannot be read or written is logged, counted, left as it is and tried
  /// again: one bad file keeps neither the node from starting nor the other files from being read.
  func adoptAll() {
    attempt(folder.journal) { () throws(DiskError) in
      for name in try disk.list(folder.journal) {
        guard let writer = WriterName.parse(name) else { continue }
        attempt(folder.journal(writer: writer)) { () throws(DiskError) in
          guard let lock = try disk.lock(folder.lock(writer: writer)) else { return }
          keep(writer, lock)
          try adopt(writer)
        }
      }
    }
  }

  private func attempt(_ path: String, _ body: () throws(DiskError) -> Void) {
    do {
      try body()
    } catch {
      metrics.journalError(error.operation)
      logger.error(
        "what an earlier process left cannot be taken over", metadata: ["path": "\(path)", "error": "\(error)"])
    }
  }

  private func adopt(_ writer: UInt64) throws(DiskError) {
    let spool = folder.spool(writer: writer)
    try disk.makeFolder(spool)
    // A rename that the last process could not sync must be durable before its journal file is removed for it.
    try disk.syncFolder(spool)
    var spooled: Set<UInt64> = []
    for name in try disk.list(spool) {
      let path = spool + "/" + name
      attempt(path) { () throws(DiskError) in
        if name.hasSuffix(".tmp") {
          try disk.remove(path)
        } else if let number = DataFolder.number(of: name, suffix: SegmentName.suffix) {
          let identity = FileIdentity(writer: writer, number: number)
          if let segment = try spooledSegment(identity, path) {
            spooled.insert(number)
            publish(segment, .file(path: path, size: segment.size))
          } else if try !hasJournal(identity) {
            try quarantine(path, "spool segment is damaged")
          }
        }
      }
    }
    for name in try disk.list(folder.journal(writer: writer)) {
      let path = folder.journal(writer: writer) + "/" + name
      if name.hasPrefix(JournalSpares.prefix) { attempt(path) { () throws(DiskError) in try disk.remove(path) } }
      guard let number = DataFolder.number(of: name, suffix: ".journal") else { continue }
      attempt(path) { () throws(DiskError) in
        // The segment was complete before the crash; only the journal's removal was missing.
        if spooled.contains(number) { return try disk.remove(path) }
        try replay(FileIdentity(writer: writer, number: number), path)
      }
    }
  }

  private func hasJournal(_ identity: FileIdentity) throws(DiskError) -> Bool {
    let names = try disk.list(folder.journal(writer: identity.writer))
    return names.contains { DataFolder.number(of: $0, suffix: ".journal") == identity.number }
  }

  /// nil where the file is not the segment that its name says. Where the journal is still there too, the whole file is
  /// checked: the journal goes only for a segment that can be read.
  private func spooledSegment(_ identity: FileIdentity, _ path: String) throws(DiskError) -> Segment? {
    let file = try disk.open(path)
    defer { file.close() }
    let size = try file.size()
    let tail = try file.read(max(0, size - SegmentFormat.footerFrameSize)..<size)
    let footer = try? tail.withRawBytes { bytes throws(SegmentDamage) in try SegmentFooter(tail: bytes) }
    guard let footer, footer.identity == identity else { return nil }
    if try hasJournal(identity) {
      let whole = try file.read(0..<size)
      guard (try? SegmentInspector.describe(whole)) != nil else { return nil }
    }
    return Spooler.segment(footer, at: path, size: size)
  }

  private func publish(_ segment: Segment, _ body: ObjectBody, journalPath: String? = nil) {
    view.publish(segment)
    enqueue(segment, body, journalPath: journalPath)
  }

  private func enqueue(_ segment: Segment, _ body: ObjectBody, journalPath: String?) {
    // Not `isSealed`: who waits for the object store does not wait for what an earlier process left.
    backlog.set(segment.identity, bytes: segment.size, since: clock.monotonicNanoseconds(), isSealed: false)
    uploads.push(PendingUpload(segment: segment, body: body, journalPath: journalPath))
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
    let replayed = bytes.withRawBytes { SegmentMaker.memtable(of: contents, $0) }
    let made: (bytes: [UInt8], footer: SegmentFooter)?
    do {
      made = try SegmentMaker.segment(of: replayed.memtable.snapshot)
    } catch {
      throw DiskError(operation: "replay", path: path, code: 0, reason: error.reason)
    }
    var problems: [String] = []
    if contents.isHeaderDamaged, !contents.payloads.isEmpty { problems.append("damaged header") }
    if !contents.damaged.isEmpty { problems.append("damaged byte ranges \(contents.damaged)") }
    if replayed.damagedLines > 0 { problems.append("\(replayed.damagedLines) damaged lines") }
    if bytes[min(bytes.count, contents.end)...].contains(where: { $0 != 0 }), !contents.isHeaderDamaged,
      !contents.isReused
    {
      problems.append("a torn record at the end, unacknowledged unless the disk is damaged")
    }
    if let made, try !spool(made, replayed.memtable, identity, path) { return }
    guard !problems.isEmpty else { return try disk.remove(path) }
    metrics.journalError("replay")
    try quarantine(path, problems.joined(separator: "; ") + "; what is good was replayed")
  }

  /// False where the disk has no room: then the events are read from memory and uploaded from there, and the journal
  /// stays.
  private func spool(
    _ made: (bytes: [UInt8], footer: SegmentFooter), _ memtable: Memtable, _ identity: FileIdentity, _ path: String
  ) throws(DiskError) -> Bool {
    let target = folder.segment(identity)
    let segment = Spooler.segment(made.footer, at: target, size: made.bytes.count)
    do {
      try disk.writeDurably(made.bytes, to: target, in: folder.spool(writer: identity.writer))
    } catch {
      metrics.journalError(error.operation)
      logger.error("replayed journal cannot be spooled; it is uploaded from memory", metadata: ["error": "\(error)"])
      try? disk.remove(target + ".tmp")
      try? disk.remove(target)
      view.add(memtable)
      enqueue(segment, .bytes(made.bytes), journalPath: path)
      return false
    }
    publish(segment, .file(path: target, size: segment.size))
    logger.info("journal replayed", metadata: ["journal": "\(path)", "events": "\(made.footer.events)"])
    return true
  }

  /// Damaged files are kept for a person to look at, never read again.
  private func quarantine(_ path: String, _ reason: String) throws(DiskError) {
    try disk.makeFolder(folder.quarantine)
    let name = path.split(separator: "/").suffix(2).joined(separator: "-")
    try disk.rename(path, to: folder.quarantine + "/" + name)
    logger.error("file quarantined", metadata: ["file": "\(path)", "reason": "\(reason)"])
  }
}
