// What is counted. Every update is one or a few relaxed atomic operations, without lock or allocation.

import Synchronization

package final class Counter: Sendable {
  private let value = Atomic<Int>(0)

  package init() {}

  package func add(_ amount: Int = 1) { value.wrappingAdd(amount, ordering: .relaxed) }

  package var current: Int { value.load(ordering: .relaxed) }
}

package final class Gauge: Sendable {
  private let value = AtomicDouble()

  package init() {}

  package func set(_ new: Double) { value.store(new) }

  /// For what goes up and down in several places.
  package func add(_ change: Double) { value.add(change) }

  package var current: Double { value.load() }
}

/// Cumulative buckets as Prometheus wants them; values are observed in the unit of the bounds.
package final class Histogram: Sendable {
  /// Upper bounds in ascending order; one more bucket, +Inf, is implied.
  package let bounds: [Double]
  private let counts: [Cell]
  private let sum = AtomicDouble()

  private final class Cell: Sendable {
    let count = Atomic<Int>(0)
  }

  /// 100 us to 60 s.
  package static let seconds: [Double] = [
    0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60,
  ]

  package init(bounds: [Double]) {
    precondition(zip(bounds, bounds.dropFirst()).allSatisfy { $0 < $1 })
    self.bounds = bounds
    counts = (0...bounds.count).map { _ in Cell() }
  }

  /// A value that is no number would spoil the sum for ever and is left out.
  package func observe(_ value: Double) {
    guard value.isFinite else { return }
    var index = 0
    while index < bounds.count, value > bounds[index] { index += 1 }
    counts[index].count.wrappingAdd(1, ordering: .relaxed)
    sum.add(value)
  }

  package func observe(nanoseconds: Int64) { observe(Double(nanoseconds) / 1e9) }

  /// Count in each bucket (not cumulative, +Inf last) and the sum of all values.
  package var snapshot: (counts: [Int], sum: Double) {
    (counts.map { $0.count.load(ordering: .relaxed) }, sum.load())
  }
}

/// A Double in the bits of an atomic integer.
private struct AtomicDouble: ~Copyable {
  private let bits = Atomic<UInt64>(0)

  func load() -> Double { Double(bitPattern: bits.load(ordering: .relaxed)) }

  func store(_ value: Double) { bits.store(value.bitPattern, ordering: .relaxed) }

  func add(_ change: Double) {
    var before = bits.load(ordering: .relaxed)
    while true {
      let after = (Double(bitPattern: before) + change).bitPattern
      let (isDone, found) = bits.weakCompareExchange(expected: before, desired: after, ordering: .relaxed)
      if isDone { return }
      before = found
    }
  }
}
