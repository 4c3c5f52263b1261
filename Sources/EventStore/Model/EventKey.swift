// The one order of events, everywhere: in segments, merges, pages and cursors.

import Primitives

/// Position of an event: instant, then tie, then id. Equal in every copy of an event, so copies are adjacent in a merge.
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
}
