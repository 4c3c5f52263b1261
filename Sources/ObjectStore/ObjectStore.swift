// The narrow interface to whatever keeps the objects, with exactly what the event store needs. One conformance suite
// (ObjectStoreTests) runs on every implementation.

import Primitives

/// Flat keys with `/` as a convention, relative to the store's prefix. UTF-8, 1 to 900 bytes, no control characters, no
/// empty, `.` or `..` segments (so no leading or trailing `/`): `ObjectKey` checks them.
package protocol ObjectStore: Sendable {
  /// The object's bytes, or those of `range` (byte offsets). A range may start inside and end past the object: what
  /// exists is returned; one that is empty or starts at or past the end is `.rejected`. nil where there is no such
  /// object.
  func get(_ key: String, range: Range<Int>?) async throws(ObjectStoreError) -> StoredObject?

  /// Size, ETag and time without the bytes; nil where there is no such object.
  func head(_ key: String) async throws(ObjectStoreError) -> ObjectInfo?

  /// Stores the whole object or nothing.
  func put(_ key: String, _ body: ObjectBody, if condition: PutCondition) async throws(ObjectStoreError) -> PutOutcome

  /// Up to `limit` (1 to 1000) objects whose key starts with `prefix` and is above `after`, in ascending order of key
  /// bytes.
  func list(prefix: String, after: String?, limit: Int) async throws(ObjectStoreError) -> ObjectPage

  /// Deletes what exists of them; absent ones are no error.
  func delete(_ keys: [String]) async throws(ObjectStoreError)
}

package struct StoredObject: Sendable {
  package var bytes: [UInt8]
  package var info: ObjectInfo

  package init(bytes: [UInt8], info: ObjectInfo) {
    self.bytes = bytes
    self.info = info
  }
}

package struct ObjectInfo: Sendable, Equatable {
  package var key: String
  /// Bytes of the whole object.
  package var size: Int
  /// Opaque version, for `PutCondition.ifMatch`; may be empty where a store's list does not give it.
  package var etag: String
  /// Last modification by the store's clock, nanoseconds since 1970; 0 where the store does not tell.
  package var modified: Int64

  package init(key: String, size: Int, etag: String, modified: Int64) {
    self.key = key
    self.size = size
    self.etag = etag
    self.modified = modified
  }
}

package enum ObjectBody: Sendable {
  case bytes([UInt8])
  /// A local file, sent whole; it must not change meanwhile.
  case file(path: String, size: Int)
}

package enum PutCondition: Sendable, Equatable {
  case none
  /// Only where no object has this key (S3 `If-None-Match: *`).
  case ifAbsent
  /// Only where the object still has this ETag (S3 `If-Match`).
  case ifMatch(String)
}

package enum PutOutcome: Sendable, Equatable {
  case stored(etag: String)
  /// The condition did not hold: 412, or a 404 to ifMatch.
  case conditionFailed
}

package struct ObjectPage: Sendable {
  package var objects: [ObjectInfo]
  /// Whether more follow after the last one.
  package var isTruncated: Bool

  package init(objects: [ObjectInfo], isTruncated: Bool) {
    self.objects = objects
    self.isTruncated = isTruncated
  }
}

/// Coarse on purpose: a case only where the caller acts differently. The text names endpoint, bucket and cause, never a
/// secret.
package enum ObjectStoreError: Error, Sendable, Equatable {
  /// Heals by itself: refused, reset, timed out, 5xx, throttled. Retried already as far as the budget went.
  /// `retryAfterSeconds` where the store itself said when to come back.
  case unavailable(String, retryAfterSeconds: Int? = nil)
  /// Only a person can mend it: bucket missing, credentials refused, wrong region, certificate not trusted.
  case misconfigured(String)
  /// The store will never take this request: too large, invalid key.
  case rejected(String)
  /// Bytes that are not what was stored: checksum or length differ.
  case corrupt(String)

  /// The text of any case.
  package var message: String {
    switch self {
    case .unavailable(let text, _), .misconfigured(let text), .rejected(let text), .corrupt(let text): text
    }
  }
}
