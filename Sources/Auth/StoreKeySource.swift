// Keys shared by all nodes: one object in the bucket, written conditionally. Auth does not know object stores; the seam
// below is filled by whoever composes the service.

/// One object that is replaced as a whole, only by whoever saw its newest version.
package protocol KeyObject: Sendable {
  /// Bytes and version; nil where there is no such object.
  func get() async throws(KeySourceError) -> (bytes: [UInt8], version: String)?

  /// Stores the bytes where the object still has `version` (nil: where there is none). False where it has another one.
  func put(_ bytes: [UInt8], replacing version: String?) async throws(KeySourceError) -> Bool
}

package struct StoreKeySource: KeySource {
  /// Two administrators at once are rare; more tries than this mean that something rewrites the object all the time.
  package static let maxTries = 10

  private let object: any KeyObject

  package init(_ object: any KeyObject) { self.object = object }

  package func read(unless version: String?) async throws(KeySourceError) -> KeysSnapshot? {
    guard let found = try await object.get() else {
      return version == "" ? nil : KeysSnapshot(document: KeysDocument(), version: "")
    }
    return found.version == version ? nil : KeysSnapshot(document: try Self.parse(found.bytes), version: found.version)
  }

  package func update(
    _ change: @Sendable (inout KeysDocument) throws(KeysDocumentError) -> Void
  ) async throws(KeySourceError) {
    for _ in 0..<Self.maxTries {
      let found = try await object.get()
      var document = try found.map { found throws(KeySourceError) in try Self.parse(found.bytes) } ?? KeysDocument()
      do { try change(&document) } catch { throw .document(error) }
      if try await object.put(document.serialized(), replacing: found?.version) { return }
    }
    throw .conflict(tries: Self.maxTries)
  }

  private static func parse(_ bytes: [UInt8]) throws(KeySourceError) -> KeysDocument {
    do { return try KeysDocument(parsing: bytes) } catch { throw .document(error) }
  }
}
