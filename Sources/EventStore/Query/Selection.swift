// Which lines a read wants, and the page of them that it keeps. Pure: the engine feeds it lines from wherever they are.

import Primitives

/// What a line must fulfil. Bounds are those of the whole read: query, cursor and page.
struct Selection: Sendable {
  var callHash: UInt32?
  /// Contents of the callId's stored literal.
  var callId: [UInt8]?
  var eventTypes: [[UInt8]]
  var id: EventID?
  /// Inclusive.
  var lowest: EventKey
  /// Exclusive.
  var end: EventKey
  var order: EventQuery.Order
  /// Lines wanted.
  var limit: Int

  init(_ query: EventQuery) {
    if let callId = query.callId {
      callHash = callId.withUnsafeBytes { EventID.callHash($0) }
      var literal: [UInt8] = []
      callId.withUnsafeBytes { JSONWriter.appendString($0, to: &literal) }
      self.callId = Array(literal.dropFirst().dropLast())
    }
    eventTypes = query.eventTypes.map { Array($0.utf8) }
    lowest = .first(of: query.start ?? 0)
    end = .first(of: query.end ?? .max)
    order = query.order
    limit = query.limit
    if let after = query.after {
      switch order {
      case .ascending: lowest = max(lowest, after.successor)
      case .descending: end = min(end, after)
      }
    }
  }

  /// The one event of that id; the id itself says where it can be. nil where no event can have it.
  init?(_ id: EventID) {
    guard EventKey.milliseconds.contains(id.milliseconds) else { return nil }
    callHash = id.callHash
    eventTypes = []
    self.id = id
    lowest = .first(of: id.milliseconds * 1_000_000)
    end = .first(of: (id.milliseconds + 1) * 1_000_000)
    order = .ascending
    limit = 1
  }

  func contains(_ key: EventKey) -> Bool {
    lowest <= key && key < end && (callHash == nil || callHash == key.id.callHash) && (id == nil || id == key.id)
  }

  /// Whether any key of these instants can be wanted.
  func overlaps(_ range: ClosedRange<Int64>) -> Bool {
    lowest.instant <= range.upperBound && end > .first(of: range.lowerBound)
  }

  /// Where a read of a segment with these instants begins, in the read's order.
  func bound(_ range: ClosedRange<Int64>) -> EventKey {
    switch order {
    case .ascending: max(lowest, .first(of: range.lowerBound))
    case .descending: min(end, .first(of: range.upperBound + 1))
    }
  }

  /// The rest of the conditions, for a line whose key is contained.
  func accepts(_ view: LineView, _ line: UnsafeRawBufferPointer) -> Bool {
    if let callId, !line[view.callId].elementsEqual(callId) { return false }
    return eventTypes.isEmpty || eventTypes.contains { line[view.eventType].elementsEqual($0) }
  }
}

extension EventQuery.Order {
  func puts(_ left: EventKey, before right: EventKey) -> Bool { self == .ascending ? left < right : right < left }
}

/// The best `limit + 1` lines so far, in order, each id once. The one too many tells whether there is a next page.
struct PageBuilder {
  struct Item: Sendable {
    var key: EventKey
    /// Of equal ids the smallest createdAt is the event.
    var createdAt: Int64
    var line: [UInt8]
  }

  private let order: EventQuery.Order
  private var wanted: Int
  private var items: [Item] = []
  private var bytes = 0

  /// A page of long lines ends early instead of filling the memory.
  private static let maxBytes = 16 << 20
  /// The worst key that can still get in; nil while there is room.
  private(set) var worst: EventKey?

  init(_ selection: Selection) {
    order = selection.order
    wanted = selection.limit + 1
  }

  func wants(_ key: EventKey) -> Bool {
    guard let worst else { return true }
    return !order.puts(worst, before: key)
  }

  /// `line` is copied only if the key gets in.
  mutating func offer(_ key: EventKey, createdAt: Int64, line: UnsafeRawBufferPointer) {
    guard wants(key) else { return }
    items.append(Item(key: key, createdAt: createdAt, line: [UInt8](line)))
    bytes += line.count
    // Sorting when twice as many are there costs O(log n) a line, and the list stays short.
    if items.count >= 2 * wanted + 16 || bytes > 2 * Self.maxBytes { settle() }
  }

  private mutating func settle() {
    items.sort { [order] left, right in
      left.key != right.key ? order.puts(left.key, before: right.key) : left.createdAt < right.createdAt
    }
    var kept = 0
    for index in items.indices where kept == 0 || items[index].key.id != items[kept - 1].key.id {
      items[kept] = items[index]
      kept += 1
    }
    items.removeLast(items.count - min(kept, wanted))
    shorten()
    worst = items.count == wanted ? items[wanted - 1].key : nil
  }

  /// At least one line and the one behind it stay, so that a page is always a step.
  private mutating func shorten() {
    bytes = 0
    for index in items.indices {
      bytes += items[index].line.count
      if bytes > Self.maxBytes, index > 0 {
        wanted = index + 1
        items.removeLast(items.count - wanted)
        return
      }
    }
  }

  /// `horizon`: nothing at or behind this key has been looked at (a scan bound ended the read); nil = all was looked
  /// at.
  consuming func finish(horizon: EventKey?) -> (items: [Item], next: EventKey?) {
    settle()
    var complete = items
    if let horizon { complete.removeAll { [order] in !order.puts($0.key, before: horizon) } }
    if complete.count == wanted {
      complete.removeLast()
      return (complete, complete.last?.key)
    }
    let resume = horizon.map { order == .ascending ? $0.predecessor : $0.successor }
    return (complete, resume)
  }
}
