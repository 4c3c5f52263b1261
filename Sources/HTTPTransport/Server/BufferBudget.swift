// What all connections of a server hold in memory together: bodies being collected and replies that their readers do
// not take.

import Synchronization

final class BufferBudget: Sendable {
  let limit: Int
  private let used = Atomic<Int>(0)

  init(limit: Int) { self.limit = limit }

  var current: Int { used.load(ordering: .relaxed) }

  /// Takes `bytes` or nothing; false where they would go above the limit.
  func reserve(_ bytes: Int) -> Bool {
    let (_, after) = used.wrappingAdd(bytes, ordering: .relaxed)
    if after <= limit { return true }
    used.wrappingSubtract(bytes, ordering: .relaxed)
    return false
  }

  /// Counts what exists already; false where the sum is above the limit now.
  func add(_ bytes: Int) -> Bool {
    let (_, after) = used.wrappingAdd(bytes, ordering: .relaxed)
    return after <= limit
  }

  func giveBack(_ bytes: Int) { used.wrappingSubtract(bytes, ordering: .relaxed) }
}
