// Whether the journal took the last bytes that it was given: set by the commit loop alone, read by health checks.

import Synchronization

final class JournalHealth: Sendable {
  private let state = Mutex<DiskError?>(nil)

  func worked() { state.withLock { $0 = nil } }

  func failed(_ error: DiskError) { state.withLock { $0 = error } }

  /// nil after a commit that worked.
  var lastError: DiskError? { state.withLock { $0 } }

  var failure: String? { lastError?.description }
}
