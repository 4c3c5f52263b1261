// keys.json in the bucket: fills Auth's seam with the object store. Conditional writes keep two administrators from
// losing a key.

import Auth
import ObjectStore

package struct StoreKeyObject: KeyObject {
  package static let key = "auth/keys.json"

  private let store: any ObjectStore

  package init(_ store: any ObjectStore) { self.store = store }

  package func get() async throws(KeySourceError) -> (bytes: [UInt8], version: String)? {
    do {
      guard let found = try await store.get(Self.key, range: nil) else { return nil }
      return (found.bytes, found.info.etag)
    } catch {
      throw Self.failure(error)
    }
  }

  package func put(_ bytes: [UInt8], replacing version: String?) async throws(KeySourceError) -> Bool {
    do {
      let condition = version.map(PutCondition.ifMatch) ?? .ifAbsent
      return try await store.put(Self.key, .bytes(bytes), if: condition) != .conditionFailed
    } catch {
      throw Self.failure(error)
    }
  }

  private static func failure(_ error: ObjectStoreError) -> KeySourceError {
    .unavailable("keys.json: \(error.message)")
  }
}
