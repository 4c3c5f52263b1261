// One segment's place in a read that takes blocks in the order of their bounds: not opened yet, then block by block.

/// What is left to read of one segment.
struct MergeCursor: Sendable {
  enum Stage: Sendable {
    /// Only the name is known.
    case unopened
    /// Blocks still to be read, in the read's order; `next` is the first of them.
    case opened(numbers: BlockNumbers, next: Int)
  }

  /// All blocks of a range, or those that hold a call.
  enum BlockNumbers: Sendable {
    case range(Range<Int>)
    case list([Int])

    var count: Int {
      switch self {
      case .range(let range): range.count
      case .list(let list): list.count
      }
    }

    func number(_ index: Int, _ order: EventQuery.Order) -> Int {
      switch self {
      case .range(let range): order == .ascending ? range.lowerBound + index : range.upperBound - 1 - index
      case .list(let list): order == .ascending ? list[index] : list[list.count - 1 - index]
      }
    }
  }

  let segment: Segment
  var stage: Stage
  /// No line that is left comes before this key, in the read's order.
  var bound: EventKey

  var isUnopened: Bool {
    if case .unopened = stage { return true }
    return false
  }
}

/// A heap of cursors, the one with the foremost bound on top.
struct CursorHeap {
  private var cursors: [MergeCursor] = []
  private let order: EventQuery.Order

  init(order: EventQuery.Order) { self.order = order }

  var top: EventKey? { cursors.first?.bound }

  private func precedes(_ left: Int, _ right: Int) -> Bool {
    order.puts(cursors[left].bound, before: cursors[right].bound)
  }

  mutating func push(_ cursor: MergeCursor) {
    cursors.append(cursor)
    var child = cursors.count - 1
    while child > 0, precedes(child, (child - 1) / 2) {
      cursors.swapAt(child, (child - 1) / 2)
      child = (child - 1) / 2
    }
  }

  mutating func pop() -> MergeCursor? {
    guard let top = cursors.first, let last = cursors.popLast() else { return nil }
    guard !cursors.isEmpty else { return top }
    cursors[0] = last
    var parent = 0
    while true {
      var best = parent
      for child in [2 * parent + 1, 2 * parent + 2] where child < cursors.count && precedes(child, best) {
        best = child
      }
      if best == parent { return top }
      cursors.swapAt(parent, best)
      parent = best
    }
  }
}
