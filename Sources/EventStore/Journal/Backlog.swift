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

  private struct State {
    var entries: [FileIdentity: Entry] = [:]
    /// Sums over the entries: asked for at every commit.
    var bytes = 0
    var sealed = 0
    var isEnding = false
  }

  private let state = Mutex(State())

  /// Bytes of journal and spool files.
  var bytes: Int { state.withLock { $0.bytes } }

  /// Sealed files on their way.
  var inFlight: Int { state.withLock { $0.sealed } }

  func has(writer: UInt64) -> Bool { state.withLock { $0.entries.keys.contains { $0.writer == writer } } }

  /// Monotonic time of the oldest event that is not in the bucket.
  var oldestSince: Int64? { state.withLock { $0.entries.values.map(\.since).min() } }

  var hasWaiters: Bool { state.withLock { $0.entries.values.contains { !$0.waiters.isEmpty } } }

  func set(_ file: FileIdentity, bytes: Int, since: Int64, isSealed: Bool) {
    state.withLock { state in
      var entry = state.entries[file] ?? Entry(bytes: 0, since: since, isSealed: false)
      state.bytes += bytes - entry.bytes
      state.sealed += (isSealed ? 1 : 0) - (entry.isSealed ? 1 : 0)
      entry.bytes = bytes
      entry.isSealed = isSealed
      state.entries[file] = entry
    }
  }

  /// The file's upload is not expected soon: nobody waits for it to end before another begins.
  func setAside(_ file: FileIdentity) {
    state.withLock { state in
      guard state.entries[file]?.isSealed == true else { return }
      state.entries[file]?.isSealed = false
      state.sealed -= 1
    }
  }

  /// The file's events are in the bucket, or there were none.
  func remove(_ file: FileIdentity) {
    let waiters = state.withLock { state -> [Waiter] in
      guard let entry = state.entries.removeValue(forKey: file) else { return [] }
      state.bytes -= entry.bytes
      state.sealed -= entry.isSealed ? 1 : 0
      return entry.waiters
    }
    for waiter in waiters { waiter.done.resume(returning: true) }
  }

  /// Waits until the file's events are in the bucket; false when `deadline` (monotonic nanoseconds) comes first.
  /// Deadlines are kept by `expire`, which `registered` may start: it is called once the waiter can be found.
  func waitUntilUploaded(_ file: FileIdentity, deadline: Int64, registered: () -> Void) async -> Bool {
    await withUnsafeContinuation { done in
      let isUploaded = state.withLock { state -> Bool? in
        if state.entries[file] == nil { return true }
        if state.isEnding { return false }
        state.entries[file]?.waiters.append(Waiter(deadline: deadline, done: done))
        return nil
      }
      if let isUploaded { done.resume(returning: isUploaded) } else { registered() }
    }
  }

  /// Nobody waits any longer, now and from now on.
  func endWaits() {
    state.withLock { $0.isEnding = true }
    expire(now: .max)
  }

  /// Ends the waiting of those whose deadline has come.
  func expire(now: Int64) {
    let expired = state.withLock { state in
      var expired: [Waiter] = []
      for (file, entry) in state.entries where !entry.waiters.isEmpty {
        expired += entry.waiters.filter { $0.deadline <= now }
        state.entries[file]?.waiters.removeAll { $0.deadline <= now }
      }
      return expired
    }
    for waiter in expired { waiter.done.resume(returning: false) }
  }
}
