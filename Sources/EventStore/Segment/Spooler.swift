// Turns sealed journal files into segments in the spool, one after the other on a thread of its own, and hands them to
// the uploader.

import Logging
import ObjectStore
import Primitives

/// A segment on its way to the bucket.
struct PendingUpload: Sendable {
  var segment: Segment
  /// The spool's file, or the bytes where the disk had no room for it.
  var body: ObjectBody
  /// The journal file that still holds the events, where there is no spool file.
  var journalPath: String?
}

struct Spooler: Sendable {
  let folder: DataFolder
  let disk: any Disk
  let view: StoreView
  let backlog: Backlog
  let uploads: WorkQueue<PendingUpload>
  let spares: JournalSpares
  let metrics: StoreInstruments
  let logger: Logger

  /// Until the queue of sealed files ends.
  func run(_ sealed: WorkQueue<SealedJournal>) async {
    while let journal = await sealed.next() {
      // Segments that are only in memory are few: behind them everything waits, and at last requests are refused.
      if spool(journal) == .inMemory { await uploads.room(below: Self.maxInMemory) }
    }
  }

  private static let maxInMemory = 4

  private enum Outcome {
    case onDisk
    case inMemory
  }

  private func spool(_ journal: SealedJournal) -> Outcome {
    let made: (bytes: [UInt8], footer: SegmentFooter)?
    do {
      made = try SegmentMaker.segment(of: journal.memtable.snapshot)
    } catch {
      // The events stay in the journal and in memory; the next start tries again.
      logger.critical(
        "segment cannot be built; its events stay in the journal",
        metadata: ["journal": "\(journal.path)", "error": "\(error.reason)"])
      return .onDisk
    }
    guard let made else {
      view.drop(journal.memtable)
      return .onDisk
    }
    let file = journal.memtable.file
    let path = folder.segment(file)
    do {
      try disk.writeDurably(made.bytes, to: path, in: folder.spool(writer: file.writer))
      let segment = Self.segment(made.footer, at: path, size: made.bytes.count)
      view.publish(segment)
      backlog.set(file, bytes: made.bytes.count, since: journal.since, isSealed: true)
      spares.keep(journal.path)
      uploads.push(PendingUpload(segment: segment, body: .file(path: path, size: made.bytes.count), journalPath: nil))
      return .onDisk
    } catch {
      // No room or a bad disk: the journal has the events, the bucket can have them from memory.
      metrics.journalError(error.operation)
      logger.error("segment cannot be spooled; it is uploaded from memory", metadata: ["error": "\(error)"])
      try? disk.remove(path + ".tmp")
      try? disk.remove(path)
      let segment = Self.segment(made.footer, at: path, size: made.bytes.count)
      uploads.push(PendingUpload(segment: segment, body: .bytes(made.bytes), journalPath: journal.path))
      return .inMemory
    }
  }

  static func segment(_ footer: SegmentFooter, at path: String, size: Int) -> Segment {
    Segment(
      identity: footer.identity, location: .spool(path: path), range: footer.firstKey.instant...footer.lastKey.instant,
      count: footer.events, size: size, uploadedAt: nil)
  }
}
