// What is durable here and not yet in the bucket: how much, since when, and who waits for it.

import Primitives
import Synchronization

final class Backlog: Sendable {
  private struct Entry {
    var bytes: Int
    /// Monotonic nanoseconds of the oldest event's commit.
    var since: Int64
    /// The file is sealed: its upload is only a matter of the store.
    var isSealed: Bool
    var waiters: [Waiter] = []
  }

  private struct Waiter {
    var deadline: Int64
    var done: UnsafeContinuation<Bool, Never>
  }

  private let entries = Mutex<[FileIdentity: Entry]>([:])

  /// Bytes of journal and spool files.
  var bytes: Int { entries.withLock { $0.values.reduce(0) { $0 + $1.bytes } } }

  /// Sealed files on their way.
  var inFlight: Int { entries.withLock { $0.values.count { $0.isSealed } } }

  func has(writer: UInt64) -> Bool { entries.withLock { $0.keys.contains { $0.writer == writer } } }

  /// Monotonic time of the oldest event that is not in the bucket.
  var oldestSince: Int64? { entries.withLock { $0.values.map(\.since).min() } }

  var hasWaiters: Bool { entries.withLock { $0.values.contains { !$0.waiters.isEmpty } } }

  func set(_ file: FileIdentity, bytes: Int, since: Int64, isSealed: Bool) {
    entries.withLock { entries in
      var entry = entries[file] ?? Entry(bytes: 0, since: since, isSealed: false)
      entry.bytes = bytes
      entry.isSealed = isSealed
      entries[file] = entry
    }
  }

  /// The file's events are in the bucket, or there were none.
  func remove(_ file: FileIdentity) {
    let waiters = entries.withLock { $0.removeValue(forKey: file)?.waiters ?? [] }
    for waiter in waiters { waiter.done.resume(returning: true) }
  }

  /// Waits until the file's events are in the bucket; false when `deadline` (monotonic nanoseconds) comes first. Deadlines are kept
  /// by `expire`.
  func waitUntilUploaded(_ file: FileIdentity, deadline: Int64) async -> Bool {
    await withUnsafeContinuation { done in
      let isUploaded = entries.withLock { entries in
        if entries[file] == nil { return true }
        entries[file]?.waiters.append(Waiter(deadline: deadline, done: done))
        return false
      }
      if isUploaded { done.resume(returning: true) }
    }
  }

  /// Ends the waiting of those whose deadline has come.
  func expire(now: Int64) {
    let expired = entries.withLock { entries in
      var expired: [Waiter] = []
      for file in Array(entries.keys) {
        expired += entries[file]?.waiters.filter { $0.deadline <= now } ?? []
        entries[file]?.waiters.removeAll { $0.deadline <= now }
      }
      return expired
    }
    for waiter in expired { waiter.done.resume(returning: false) }
  }
}
