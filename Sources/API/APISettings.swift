// What the API needs to know of the configuration. Plain values with the contract's defaults; the service reads and
// checks the file.

import EventStore

package struct APISettings: Sendable {
  /// `http.base_path`: starts with `/` and does not end with one; empty for none.
  package var basePath = "/v1"
  /// `http.limits.body_bytes`.
  package var bodyMaxBytes = 8 << 20
  /// The same as the event store's: what it enforces is told here in the OpenAPI document, and `maxBatch` is counted
  /// while reading.
  package var eventLimits = EventLimits()
  /// `storage.acknowledge`: what a request gets that does not ask for more.
  package var acknowledge = Durability.journal
  /// How long a request waits for the object store before it is told that only the journal has its events (202).
  package var acknowledgeTimeout = Duration.seconds(10)
  /// Named in log lines of stored events; nil for stores without buckets.
  package var bucket: String?
  package var version = "0.0.0"

  package init() {}
}
