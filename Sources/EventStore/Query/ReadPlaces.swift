// How many reads run at once. Queries above the bound are refused; reads of one event, which are short, stand in a
// line.

import Synchronization

final class ReadPlaces: Sendable {
  private struct State {
    var running = 0
    var line: [UnsafeContinuation<Void, Never>] = []

    mutating func take(_ limit: Int) -> Bool {
      guard running < limit else { return false }
      running += 1
      return true
    }
  }

  private let limit: Int
  private let state = Mutex(State())

  /// So many reads may wait for each one that runs: they are served before their clients give up.
  private static let lineFactor = 32

  init(limit: Int) { self.limit = limit }

  /// Takes a place, after waiting for one where `canWait`; false where none is to be had.
  func take(canWait: Bool) async -> Bool {
    let isFree = state.withLock { $0.take(limit) }
    if isFree || !canWait { return isFree }
    let isFull = state.withLock { $0.line.count >= limit * Self.lineFactor }
    if isFull { return false }
    await withUnsafeContinuation { place in
      let isTaken = state.withLock { state in
        // One may have become free between the two looks.
        if state.take(limit) { return true }
        state.line.append(place)
        return false
      }
      if isTaken { place.resume() }
    }
    return true
  }

  /// Gives the place to who waits first.
  func giveBack() {
    let next = state.withLock { state -> UnsafeContinuation<Void, Never>? in
      if state.line.isEmpty {
        state.running -= 1
        return nil
      }
      return state.line.removeFirst()
    }
    next?.resume()
  }
}
