// The one order of events, everywhere: in segments, merges, pages and cursors.

import Primitives

/// Position of an event: instant, then tie, then id. Equal in every copy of an event, so copies are adjacent in a
/// merge.
package struct EventKey: Sendable, Hashable, Comparable {
  /// The event's timestamp, nanoseconds since 1970.
  package var instant: Int64
  /// `createdAt` in nanoseconds for unkeyed events, 0 for keyed ones, whose copies have different commit times.
  package var tie: Int64
  package var id: EventID

  package init(instant: Int64, tie: Int64, id: EventID) {
    self.instant = instant
    self.tie = tie
    self.id = id
  }

  package static func < (left: EventKey, right: EventKey) -> Bool {
    if left.instant != right.instant { return left.instant < right.instant }
    if left.tie != right.tie { return left.tie < right.tie }
    return left.id < right.id
  }

  /// Milliseconds since 1970 whose nanoseconds, and those of the next one, fit 64 bits: to the year 2262. Ids and names
  /// beyond are no event's: parsing refuses such timestamps.
  static let milliseconds: Range<Int64> = 0..<Int64.max / 1_000_000 - 1

  /// The lowest position of an instant.
  static func first(of instant: Int64) -> EventKey {
    EventKey(instant: instant, tie: .min, id: EventID(high: 0, low: 0))
  }

  /// The greatest key below this one.
  var predecessor: EventKey {
    if id.low > 0 { return EventKey(instant: instant, tie: tie, id: EventID(high: id.high, low: id.low - 1)) }
    if id.high > 0 { return EventKey(instant: instant, tie: tie, id: EventID(high: id.high - 1, low: .max)) }
    let highest = EventID(high: .max, low: .max)
    if tie > .min { return EventKey(instant: instant, tie: tie - 1, id: highest) }
    return EventKey(instant: instant - 1, tie: .max, id: highest)
  }

  /// The least key above this one.
  var successor: EventKey {
    if id.low < .max { return EventKey(instant: instant, tie: tie, id: EventID(high: id.high, low: id.low + 1)) }
    if id.high < .max { return EventKey(instant: instant, tie: tie, id: EventID(high: id.high + 1, low: 0)) }
    let lowest = EventID(high: 0, low: 0)
    if tie < .max { return EventKey(instant: instant, tie: tie + 1, id: lowest) }
    return EventKey(instant: instant + 1, tie: .min, id: lowest)
  }
}
