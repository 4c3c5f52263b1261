// A queue between tasks, first in first out. `push` never waits; a producer that must not run ahead asks for room
// first.

import Synchronization

final class WorkQueue<Item: Sendable>: Sendable {
  private struct State {
    /// Taken ones are nil until the array is emptied: they must not live on here.
    var items: [Item?] = []
    var head = 0
    var isClosed = false
    var waiters: [UnsafeContinuation<Item?, Never>] = []
    var producers: [UnsafeContinuation<Void, Never>] = []

    mutating func takeFirst() -> Item? {
      guard head < items.count else { return nil }
      defer {
        head += 1
        if head > items.count / 2 {
          items.removeFirst(head)
          head = 0
        }
      }
      return items[head].take()
    }
  }

  private let state = Mutex(State())

  var count: Int { state.withLock { $0.items.count - $0.head } }

  func push(_ item: Item) {
    let waiter = state.withLock { state -> UnsafeContinuation<Item?, Never>? in
      if let waiter = state.waiters.popLast() { return waiter }
      state.items.append(item)
      return nil
    }
    waiter?.resume(returning: item)
  }

  /// Returns when fewer than `limit` items wait.
  func room(below limit: Int) async {
    while count >= limit {
      await withUnsafeContinuation { producer in
        let hasRoom = state.withLock { state in
          if state.items.count - state.head < limit { return true }
          state.producers.append(producer)
          return false
        }
        if hasRoom { producer.resume() }
      }
    }
  }

  /// What is queued is still given out; then everybody gets nil.
  func close() {
    let waiters = state.withLock { state in
      state.isClosed = true
      defer { state.waiters = [] }
      return state.waiters
    }
    for waiter in waiters { waiter.resume(returning: nil) }
  }

  func next() async -> Item? {
    await withUnsafeContinuation { waiter in
      let (item, isDone, producers) = state.withLock { state -> (Item?, Bool, [UnsafeContinuation<Void, Never>]) in
        if let item = state.takeFirst() {
          defer { state.producers = [] }
          return (item, true, state.producers)
        }
        if state.isClosed { return (nil, true, []) }
        state.waiters.append(waiter)
        return (nil, false, [])
      }
      if isDone { waiter.resume(returning: item) }
      for producer in producers { producer.resume() }
    }
  }
}
