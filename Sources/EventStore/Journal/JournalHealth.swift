// Whether the journal takes events: set by the commit loop alone, read by health checks.

import Synchronization

final class JournalHealth: Sendable {
  private struct State {
    var error: DiskError?
    /// Bytes of journal and spool when a commit was refused for them.
    var refusedAtBytes: Int?
  }

  private let state = Mutex(State())

  func worked() { state.withLock { $0 = State() } }

  func failed(_ error: DiskError) { state.withLock { $0.error = error } }

  func wasFull(atBytes bytes: Int) { state.withLock { $0.refusedAtBytes = bytes } }

  /// nil after a commit that worked.
  var lastError: DiskError? { state.withLock { $0.error } }

  /// Nothing was uploaded since a commit was refused.
  func isFull(atBytes bytes: Int) -> Bool { state.withLock { bytes >= $0.refusedAtBytes ?? .max } }
}
