// Where requests hand their events to the commit loop: one lock, bounded in bytes, swapped out whole.

import Synchronization

/// One request's events and who waits for them.
struct Submission: Sendable {
  var batch: EventBatch
  /// The request is answered only when the object store has the events: the file is sealed early.
  var wantsObjectStore: Bool
  var done: UnsafeContinuation<Result<FileIdentity, EventStoreError>, Never>
}

final class CommitQueue: Sendable {
  private struct State {
    var submissions: [Submission] = []
    var bytes = 0
    var isClosed = false
    var isPoked = false
    var waiter: UnsafeContinuation<Void, Never>?

    mutating func takeWaiter() -> UnsafeContinuation<Void, Never>? {
      defer { waiter = nil }
      return waiter
    }
  }

  private let maxBytes: Int
  private let state = Mutex(State())

  /// Events that wait behind a slow disk, in bytes; above it requests are refused.
  init(maxBytes: Int) { self.maxBytes = maxBytes }

  /// Waits until the batch is durable in the journal; gives the file that has it.
  func submit(_ batch: EventBatch, wantsObjectStore: Bool) async -> Result<FileIdentity, EventStoreError> {
    await withUnsafeContinuation { done in
      let submission = Submission(batch: batch, wantsObjectStore: wantsObjectStore, done: done)
      let (refusal, waiter) = state.withLock { state -> (EventStoreError?, UnsafeContinuation<Void, Never>?) in
        if state.isClosed { return (.shuttingDown, nil) }
        guard state.submissions.isEmpty || state.bytes + batch.bytes.count <= maxBytes else {
          return (.cannotStore("the disk is too slow: \(state.bytes) bytes wait for the journal"), nil)
        }
        state.submissions.append(submission)
        state.bytes += batch.bytes.count
        return (nil, state.takeWaiter())
      }
      if let refusal { done.resume(returning: .failure(refusal)) }
      waiter?.resume()
    }
  }

  /// Wakes the commit loop to look at its clock.
  func poke() {
    let waiter = state.withLock { state in
      state.isPoked = true
      return state.takeWaiter()
    }
    waiter?.resume()
  }

  /// Refuses what comes from now on; what is queued is still committed.
  func close() {
    let waiter = state.withLock { state in
      state.isClosed = true
      return state.takeWaiter()
    }
    waiter?.resume()
  }

  /// Everything queued, as soon as there is something, or nothing after a poke. `isClosed` is true only with the last
  /// of it.
  func next() async -> (submissions: [Submission], isClosed: Bool) {
    await withUnsafeContinuation { waiter in
      let isReady = state.withLock { state in
        if !state.submissions.isEmpty || state.isPoked || state.isClosed { return true }
        state.waiter = waiter
        return false
      }
      if isReady { waiter.resume() }
    }
    return state.withLock { state in
      let taken = state.submissions
      state.submissions = []
      state.bytes = 0
      state.isPoked = false
      return (taken, state.isClosed)
    }
  }
}
