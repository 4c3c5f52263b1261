// The authorizer with what keeps its keys fresh.

import Auth
import Logging
import Primitives
import Synchronization

struct KeyKeeper: Sendable {
  let authorizer: Authorizer
  let refresher: KeyRefresher
  private let source: any KeySource
  private let logger: Logger

  init(source: any KeySource, isAnonymous: Bool, clock: any Clock, logger: Logger) {
    let authorizer = Authorizer(isAnonymous: isAnonymous)
    self.authorizer = authorizer
    self.source = source
    self.logger = logger
    let complaints = Complaints(clock: clock)
    refresher = KeyRefresher(source: source, authorizer: authorizer) { error in
      guard let error else {
        complaints.end()
        return logger.info("the API keys can be read again")
      }
      // What the shutdown cuts short is no failure.
      guard !Task.isCancelled, complaints.isDue() else { return }
      logger.error("the API keys cannot be read; the last ones stay", metadata: ["error": "\(error.message)"])
    }
  }

  /// Reads a key file once, because what is wrong with it only a person can mend. The bucket is asked later: it may
  /// be away.
  func check(_ place: Settings.Keys) async throws(ServiceFailure) {
    guard case .file(let path) = place else { return }
    do {
      guard let snapshot = try await source.read(unless: nil) else { return }
      authorizer.use(KeySet(snapshot.document))
      if snapshot.document.keys.isEmpty {
        logger.warning("there is no API key yet: callflow keys create makes one", metadata: ["file": "\(path)"])
      }
    } catch {
      throw .misconfigured("auth.keys_file: \(error.message)")
    }
  }

  /// Reads until the task is cancelled, on a thread of its own: sources may block on files.
  func start() -> Task<Void, Never> {
    let executor = BlockingExecutor(threads: 1, name: "keys")
    let refresher = refresher
    return Task(executorPreference: executor) { await refresher.run() }
  }
}

/// Lets a failure that repeats every second be told at once and then once a minute.
final class Complaints: Sendable {
  private static let interval: Int64 = 60_000_000_000

  private let clock: any Clock
  private let last = Mutex<Int64?>(nil)

  init(clock: any Clock) { self.clock = clock }

  func isDue() -> Bool {
    let now = clock.monotonicNanoseconds()
    return last.withLock { last in
      if let last, now - last < Self.interval { return false }
      last = now
      return true
    }
  }

  func end() { last.withLock { $0 = nil } }
}
