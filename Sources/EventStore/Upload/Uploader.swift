// Brings spooled segments into the bucket's inbox: created once, never changed, retried until the store has them.

import Logging
import ObjectStore
import Observability
import Primitives

/// Waits that long, in nanoseconds, or until the task is cancelled.
package typealias Pause = @Sendable (Int64) async -> Void

/// Jittered exponential waits between rounds of tries; each round is already retried below. Pure.
struct UploadBackoff {
  static let first: Int64 = 200_000_000
  static let longest: Int64 = 5_000_000_000
  private var next = first

  /// Half to all of the next step.
  mutating func wait(random: UInt64) -> Int64 {
    let step = next
    next = min(2 * next, Self.longest)
    return step / 2 + Int64(random % UInt64(step / 2 + 1))
  }
}

struct Uploader: Sendable {
  let disk: any Disk
  let objects: any ObjectStore
  let clock: any Clock
  let random: any RandomSource
  let view: StoreView
  let backlog: Backlog
  let reachability: Reachability
  let metrics: StoreInstruments
  let logger: Logger
  let pause: Pause
  /// Called after each upload: a place in flight is free.
  let uploaded: @Sendable (FileIdentity) -> Void

  static let parallelUploads = 4

  /// Until the queue ends or the task is cancelled.
  func run(_ uploads: WorkQueue<PendingUpload>) async {
    while !Task.isCancelled, let upload = await uploads.next() {
      if await bring(upload) { continue }
      // What the store refuses goes to the back of the queue: it must not keep the others from being uploaded.
      backlog.setAside(upload.segment.identity)
      await pause(UploadBackoff.longest)
      uploads.push(upload)
    }
  }

  /// False where the store refuses the segment.
  private func bring(_ upload: PendingUpload) async -> Bool {
    var backoff = UploadBackoff()
    while !Task.isCancelled {
      let segment = upload.segment
      let now = clock.wallNanoseconds()
      // A new name for each round: readers look for new names only in a short window of time.
      let name = SegmentName(
        ulid: ULID(milliseconds: now / 1_000_000, writer: segment.identity.writer, number: segment.identity.number),
        minInstant: segment.range.lowerBound, maxInstant: segment.range.upperBound, count: segment.count)
      let key = ObjectName.inbox(name)
      do {
        if try await put(key, upload) {
          finish(upload, key)
          return true
        }
        metrics.uploadsRetried.add()
      } catch {
        reachability.failed(error)
        if case .unavailable = error { metrics.uploadsRetried.add() } else { metrics.uploadsFailed.add() }
        logger.warning(
          "segment was not uploaded; trying again", metadata: ["s3Key": "\(key)", "error": "\(error.message)"])
        if case .rejected = error { return false }
      }
      await pause(backoff.wait(random: random.next()))
    }
    return true
  }

  /// False where another object has the name.
  private func put(_ key: String, _ upload: PendingUpload) async throws(ObjectStoreError) -> Bool {
    switch try await objects.put(key, upload.body, if: .ifAbsent) {
    case .stored: return true
    case .conditionFailed:
      // Perhaps a try whose answer was lost. The footer has identity, counts and checksums of everything.
      let size = upload.segment.size
      let tail = try await objects.get(key, range: max(0, size - SegmentFormat.footerFrameSize)..<size)
      return tail?.info.size == size && (try? localFooter(upload)) == tail?.bytes
    }
  }

  private func localFooter(_ upload: PendingUpload) throws(DiskError) -> [UInt8] {
    switch upload.body {
    case .bytes(let bytes): return Array(bytes.suffix(SegmentFormat.footerFrameSize))
    case .file(let path, let size):
      let file = try disk.open(path)
      defer { file.close() }
      return try file.read(max(0, size - SegmentFormat.footerFrameSize)..<size)
    }
  }

  private func finish(_ upload: PendingUpload, _ key: String) {
    reachability.worked()
    metrics.uploadsStored.add()
    let segment = upload.segment
    view.publish(
      Segment(
        identity: segment.identity, location: .object(key: key), range: segment.range, count: segment.count,
        size: segment.size, uploadedAt: clock.wallNanoseconds()))
    if case .file(let path, _) = upload.body { try? disk.remove(path) }
    if let journal = upload.journalPath { try? disk.remove(journal) }
    backlog.remove(segment.identity)
    uploaded(segment.identity)
    logger.debug(
      "segment uploaded", metadata: ["s3Key": "\(key)", "events": "\(segment.count)", "bytes": "\(segment.size)"])
  }
}
