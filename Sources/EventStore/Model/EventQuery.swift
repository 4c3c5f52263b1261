// What can be asked of the event store, and what it answers.

import Primitives

package struct EventQuery: Sendable {
  package enum Order: Sendable {
    case ascending
    case descending
  }

  /// Decoded UTF-8 of the callId.
  package var callId: [UInt8]?
  /// Any of them; empty means all.
  package var eventTypes: [String] = []
  /// Inclusive, nanoseconds since 1970.
  package var start: Int64?
  /// Exclusive, nanoseconds since 1970.
  package var end: Int64?
  package var order: Order = .ascending
  /// Only events strictly behind this one in `order`.
  package var after: EventKey?
  /// Events a page, at least 1.
  package var limit: Int = 100
  /// Refresh the catalog first, so that everything uploaded before the request is seen.
  package var isStrong = false

  package init() {}
}

package struct EventPage: Sendable {
  /// Events as the API returns them, one JSON object each, in order.
  package var lines: [[UInt8]]
  /// Where the next page starts; nil only at the end.
  package var next: EventKey?
  /// Segments (memtable excluded) that had to be read.
  package var segmentsScanned: Int

  package init(lines: [[UInt8]], next: EventKey?, segmentsScanned: Int) {
    self.lines = lines
    self.next = next
    self.segmentsScanned = segmentsScanned
  }
}

/// How sure an acknowledged event is.
package enum Durability: String, Sendable {
  /// fdatasync of this node's journal returned.
  case journal
  /// The object store answered 200.
  case objectStore = "object-store"
}

/// Where one event is, for `GET .../receipt`.
package struct EventReceipt: Sendable {
  package var durability: Durability
  /// The writer (10 hex digits) whose journal took the event.
  package var node: String
  /// Key of the segment object that holds it; nil while it is only in the journal.
  package var segment: String?
  /// Byte offset of the frame that holds the line, in the segment's compressed bytes; of its record in the journal file
  /// before that.
  package var offset: Int
  /// CRC32C of the event's line without the line feed.
  package var crc32c: UInt32
  /// Nanoseconds since 1970; nil before the upload.
  package var uploadedAt: Int64?

  package init(durability: Durability, node: String, segment: String?, offset: Int, crc32c: UInt32, uploadedAt: Int64?)
  {
    self.durability = durability
    self.node = node
    self.segment = segment
    self.offset = offset
    self.crc32c = crc32c
    self.uploadedAt = uploadedAt
  }
}

package enum EventStoreError: Error, Sendable, Equatable {
  /// Nothing can be made durable now (journal full, disk full or failing). Maps to 503 with Retry-After.
  case cannotStore(String)
  /// A read needs the object store and it does not answer. Maps to 503 with Retry-After.
  case unavailable(String)
  /// More queries at once than `query.concurrency`. Maps to 503 with Retry-After.
  case busy
  /// The node drains and takes no more events.
  case shuttingDown
}
