// A cache bounded by bytes that forgets what was not used for the longest time. Values are immutable and may outlive
// their place here.

import Synchronization

final class ByteCache<Key: Hashable & Sendable, Value: Sendable>: Sendable {
  private struct Node {
    var key: Key
    /// nil while the node is free.
    var value: Value?
    var cost: Int
    /// Indices of the neighbours in order of use; -1 at the ends.
    var newer: Int
    var older: Int
  }

  private struct State {
    var nodes: [Node] = []
    var free: [Int] = []
    var places: [Key: Int] = [:]
    var newest = -1
    var oldest = -1
    var cost = 0
  }

  private let maxBytes: Int
  private let state = Mutex(State())

  init(maxBytes: Int) { self.maxBytes = maxBytes }

  var cost: Int { state.withLock { $0.cost } }

  subscript(key: Key) -> Value? {
    state.withLock { state in
      guard let place = state.places[key] else { return nil }
      Self.unlink(place, &state)
      Self.link(place, &state)
      return state.nodes[place].value
    }
  }

  /// A value that alone is above the bound is not kept.
  func insert(_ value: Value, cost: Int, for key: Key) {
    guard cost <= maxBytes else { return }
    state.withLock { state in
      if let place = state.places[key] { Self.remove(place, &state) }
      let node = Node(key: key, value: value, cost: cost, newer: -1, older: -1)
      let place: Int
      if let free = state.free.popLast() {
        place = free
        state.nodes[place] = node
      } else {
        place = state.nodes.count
        state.nodes.append(node)
      }
      state.places[key] = place
      state.cost += cost
      Self.link(place, &state)
      while state.cost > maxBytes, state.oldest >= 0 { Self.remove(state.oldest, &state) }
    }
  }

  private static func remove(_ place: Int, _ state: inout State) {
    unlink(place, &state)
    state.cost -= state.nodes[place].cost
    state.places[state.nodes[place].key] = nil
    state.nodes[place].value = nil
    state.free.append(place)
  }

  private static func link(_ place: Int, _ state: inout State) {
    state.nodes[place].older = state.newest
    state.nodes[place].newer = -1
    if state.newest >= 0 { state.nodes[state.newest].newer = place }
    state.newest = place
    if state.oldest < 0 { state.oldest = place }
  }

  private static func unlink(_ place: Int, _ state: inout State) {
    let (newer, older) = (state.nodes[place].newer, state.nodes[place].older)
    if newer >= 0 { state.nodes[newer].older = older } else { state.newest = older }
    if older >= 0 { state.nodes[older].newer = newer } else { state.oldest = newer }
  }
}
