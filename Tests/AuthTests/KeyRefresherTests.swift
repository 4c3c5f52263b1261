import Auth
import Primitives
import Synchronization
import TestSupport
import Testing

/// Sleeps that last until the test ends them.
private final class ManualSleep: Sendable {
  private struct State {
    var sleepers: [(id: Int, duration: Duration, continuation: CheckedContinuation<Bool, Never>)] = []
    var nextID = 0
    var cancelled: Set<Int> = []
  }
  private let state = Mutex(State())

  func sleep(_ duration: Duration) async throws {
    let id = state.withLock { state in
      state.nextID += 1
      return state.nextID
    }
    let isDone = await withTaskCancellationHandler {
      await withCheckedContinuation { continuation in
        let isCancelled = state.withLock { state in
          if state.cancelled.contains(id) { return true }
          state.sleepers.append((id, duration, continuation))
          return false
        }
        if isCancelled { continuation.resume(returning: false) }
      }
    } onCancel: {
      let sleeper = state.withLock { state in
        state.cancelled.insert(id)
        return state.sleepers.firstIndex { $0.id == id }.map { state.sleepers.remove(at: $0) }
      }
      sleeper?.continuation.resume(returning: false)
    }
    if !isDone { throw CancellationError() }
  }

  /// Ends the sleep of that duration, waiting until there is one or the caller is cancelled.
  func end(_ duration: Duration) async {
    while !Task.isCancelled {
      let sleeper = state.withLock { state in
        state.sleepers.firstIndex { $0.duration == duration }.map { state.sleepers.remove(at: $0) }
      }
      if let sleeper { return sleeper.continuation.resume(returning: true) }
      await Task.yield()
    }
  }
}

/// A source whose reads wait for the test.
private final class GatedSource: KeySource {
  private let document = Mutex(KeysDocument())
  private let failure = Mutex<KeySourceError?>(nil)
  private let reads = Mutex(0)
  private let readsAtOnce = Mutex((now: 0, most: 0))
  private let gate: AsyncStream<Void>
  private let gateSink: AsyncStream<Void>.Continuation
  private let begun: AsyncStream<Void>
  private let begunSink: AsyncStream<Void>.Continuation

  init() {
    (gate, gateSink) = AsyncStream.makeStream()
    (begun, begunSink) = AsyncStream.makeStream()
  }

  var readCount: Int { reads.withLock { $0 } }
  var mostReadsAtOnce: Int { readsAtOnce.withLock { $0.most } }
  func fail(with error: KeySourceError?) { failure.withLock { $0 = error } }
  func letRead() { gateSink.yield() }
  func waitForRead() async { for await _ in begun { return } }

  func read(unless version: String?) async throws(KeySourceError) -> KeysSnapshot? {
    reads.withLock { $0 += 1 }
    readsAtOnce.withLock { $0 = ($0.now + 1, max($0.most, $0.now + 1)) }
    defer { readsAtOnce.withLock { $0.now -= 1 } }
    begunSink.yield()
    for await _ in gate { break }
    if let error = failure.withLock({ $0 }) { throw error }
    let document = document.withLock { $0 }
    let current = String(document.keys.count)
    return current == version ? nil : KeysSnapshot(document: document, version: current)
  }

  func update(_ change: @Sendable (inout KeysDocument) throws(KeysDocumentError) -> Void) async throws(KeySourceError) {
    let result = document.withLock { document -> Result<Void, KeysDocumentError> in
      do throws(KeysDocumentError) {
        try change(&document)
        return .success(())
      } catch {
        return .failure(error)
      }
    }
    if case .failure(let error) = result { throw .document(error) }
  }
}

@Suite(.timeLimit(.minutes(1))) struct KeyRefresherTests {
  private let source = GatedSource()
  private let authorizer = Authorizer()
  private let sleep = ManualSleep()

  private func refresher(_ report: @escaping KeyRefresher.Report = { _ in }) -> KeyRefresher {
    KeyRefresher(source: source, authorizer: authorizer, report: report) { [sleep] in try await sleep.sleep($0) }
  }

  @Test func refresh_ReturnsAfterAReadThatBeganLater() async throws {
    let refresher = refresher()
    let run = Task { await refresher.run() }
    await source.waitForRead()
    // The first read has begun: whoever asks now must be answered by the second.
    let asked = Task { await refresher.refresh() }
    let key = try Keys.key()
    try await source.update { (document: inout KeysDocument) throws(KeysDocumentError) in try document.add(key) }
    source.letRead()
    await sleep.end(KeyRefresher.spacing)
    await source.waitForRead()
    source.letRead()
    await asked.value
    #expect(authorizer.keys?.activeCount == 1)
    #expect(source.readCount == 2)
    run.cancel()
    await run.value
  }

  @Test func refresh_NeverReadsTwiceAtOnce_WhenManyAsk() async {
    let refresher = refresher()
    let run = Task { await refresher.run() }
    await source.waitForRead()
    let asked = (0..<200).map { _ in Task { await refresher.refresh() } }
    let pump = Task { [source, sleep] in
      while !Task.isCancelled {
        source.letRead()
        await sleep.end(KeyRefresher.spacing)
      }
    }
    for task in asked { await task.value }
    #expect(source.mostReadsAtOnce == 1)
    #expect((2...201).contains(source.readCount))
    pump.cancel()
    run.cancel()
    await run.value
    await pump.value
  }

  @Test func refresh_Returns_WhenTheSourceHangs() async {
    let refresher = refresher()
    let run = Task { await refresher.run() }
    await source.waitForRead()
    let asked = Task { await refresher.refresh() }
    let polls = Task { [sleep] in while !Task.isCancelled { await sleep.end(KeyRefresher.interval) } }
    await asked.value
    #expect(source.readCount == 1)
    polls.cancel()
    run.cancel()
    await run.value
    await polls.value
  }

  @Test func refresh_ReturnsAtOnce_WhenNothingRuns() async {
    await refresher().refresh()
    #expect(source.readCount == 0)
  }

  @Test func run_LetsWaitersGo_WhenItIsCancelled() async {
    let refresher = refresher()
    let run = Task { await refresher.run() }
    await source.waitForRead()
    let asked = Task { await refresher.refresh() }
    run.cancel()
    source.letRead()
    await run.value
    await asked.value
  }

  @Test func run_ReportsFailuresAndRecovery_AndKeepsTheKeys() async throws {
    let reports = Mutex<[KeySourceError?]>([])
    let key = try Keys.key()
    try await source.update { (document: inout KeysDocument) throws(KeysDocumentError) in try document.add(key) }
    let (reported, sink) = AsyncStream<Void>.makeStream()
    let refresher = refresher { error in
      reports.withLock { $0.append(error) }
      sink.yield()
    }
    let run = Task { await refresher.run() }
    await source.waitForRead()
    source.letRead()
    await sleep.end(KeyRefresher.spacing)
    source.fail(with: .unavailable("down"))
    await sleep.end(KeyRefresher.interval)
    await source.waitForRead()
    source.letRead()
    var waiting = reported.makeAsyncIterator()
    await waiting.next()
    #expect(authorizer.keys?.activeCount == 1)
    // The same failure again is no news; the recovery is.
    for error in [KeySourceError.unavailable("down"), nil] {
      source.fail(with: error)
      await sleep.end(KeyRefresher.spacing)
      await sleep.end(KeyRefresher.interval)
      await source.waitForRead()
      source.letRead()
    }
    await waiting.next()
    #expect(reports.withLock { $0 } == [.unavailable("down"), nil])
    run.cancel()
    await run.value
  }
}
