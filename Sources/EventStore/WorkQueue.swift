// An unbounded queue between tasks, first in first out. What bounds it is said where it is used.

import Synchronization

final class WorkQueue<Item: Sendable>: Sendable {
  private struct State {
    var items: [Item] = []
    var head = 0
    var isClosed = false
    var waiters: [UnsafeContinuation<Item?, Never>] = []
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
      let (item, isDone) = state.withLock { state -> (Item?, Bool) in
        if state.head < state.items.count {
          let item = state.items[state.head]
          state.head += 1
          if state.head == state.items.count {
            state.items.removeAll(keepingCapacity: true)
            state.head = 0
          }
          return (item, true)
        }
        if state.isClosed { return (nil, true) }
        state.waiters.append(waiter)
        return (nil, false)
      }
      if isDone { waiter.resume(returning: item) }
    }
  }
}
