// The event store's metrics (CONTRACT 6), looked up once.

import Observability

struct StoreInstruments: Sendable {
  let accepted: Counter
  let storedInJournal: Counter
  let storedInObjectStore: Counter
  let eventBytes: Counter
  let commitBatchEvents: Histogram
  let commitDuration: Histogram
  let uploadsStored: Counter
  let uploadsRetried: Counter
  let uploadsFailed: Counter
  let objectsScanned: Counter
  private let registry: MetricRegistry
  private let cacheHits: [String: Counter]
  private let cacheMisses: [String: Counter]

  init(_ registry: MetricRegistry) {
    self.registry = registry
    accepted = registry.counter("callflow_events_accepted_total", "Events that passed validation.")
    func stored(_ durability: Durability) -> Counter {
      registry.counter(
        "callflow_events_stored_total", "Events acknowledged, by what the acknowledgement means.",
        [("durability", durability.rawValue)])
    }
    storedInJournal = stored(.journal)
    storedInObjectStore = stored(.objectStore)
    eventBytes = registry.counter("callflow_event_bytes_total", "Bytes of the stored lines of acknowledged events.")
    commitBatchEvents = registry.histogram(
      "callflow_commit_batch_events", "Events made durable by one fdatasync.",
      bounds: [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10_000])
    commitDuration = registry.histogram("callflow_commit_duration_seconds", "Write and fdatasync of one commit.")
    func uploads(_ outcome: String) -> Counter {
      registry.counter("callflow_uploads_total", "Segment uploads by outcome of a try.", [("outcome", outcome)])
    }
    uploadsStored = uploads("stored")
    uploadsRetried = uploads("retried")
    uploadsFailed = uploads("failed")
    objectsScanned = registry.counter("callflow_query_objects_scanned_total", "Segments read by queries.")
    var hits: [String: Counter] = [:]
    var misses: [String: Counter] = [:]
    for cache in ["index", "page", "block"] {
      let help = "Lookups in the caches of segment parts."
      hits[cache] = registry.counter(
        "callflow_cache_requests_total", help, [("cache", cache), ("outcome", "hit")])
      misses[cache] = registry.counter(
        "callflow_cache_requests_total", help, [("cache", cache), ("outcome", "miss")])
    }
    cacheHits = hits
    cacheMisses = misses
  }

  func cache(_ name: String, isHit: Bool) { (isHit ? cacheHits : cacheMisses)[name]?.add() }

  /// Rare: looked up when it happens.
  func journalError(_ operation: String) {
    registry.counter(
      "callflow_journal_errors_total", "Failed operations on journal and spool files.", [("operation", operation)]
    ).add()
  }

  func queryDuration(_ kind: String) -> Histogram {
    registry.histogram("callflow_query_duration_seconds", "Duration of reads by kind.", [("kind", kind)])
  }
}
