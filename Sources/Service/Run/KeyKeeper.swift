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

  /// How long the bucket may take to give the keys before the service starts with those it had last.
  private static let patience = Duration.seconds(3)

  /// Reads the keys before the first request can ask for them. What is wrong with a key file only a person can mend;
  /// the bucket may be away.
  func readFirst(_ place: Settings.Keys, patience: Duration = patience) async throws(ServiceFailure) {
    guard case .file(let path) = place else { return await readBucket(patience) }
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

  private func readBucket(_ patience: Duration) async {
    let document = await withTaskGroup(of: KeysDocument?.self) { group in
      group.addTask { [source] in try? await source.read(unless: nil)?.document }
      group.addTask {
        try? await Task.sleep(for: patience)
        return nil
      }
      defer { group.cancelAll() }
      return await group.next() ?? nil
    }
    if let document { return authorizer.use(KeySet(document)) }
    guard let last = await (source as? KeyCopy)?.last() else {
      return logger.warning("the API keys cannot be read yet: requests that need one get 503")
    }
    logger.warning("the API keys cannot be read yet: those of the last start are used")
    authorizer.use(KeySet(last))
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
