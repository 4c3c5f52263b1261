// The bucket's keys with a copy in the data folder (hashes only, mode 0600): a node that starts while the bucket is
// away knows the keys that it knew last, and takes events.

import Auth

struct KeyCopy: KeySource {
  private let base: any KeySource
  private let copy: FileKeySource

  init(_ base: any KeySource, path: String) {
    self.base = base
    copy = FileKeySource(path: path)
  }

  func read(unless version: String?) async throws(KeySourceError) -> KeysSnapshot? {
    let snapshot = try await base.read(unless: version)
    if let document = snapshot?.document {
      // Only a help for later starts: a full disk must not take the keys away from this one.
      try? await copy.update { (kept: inout KeysDocument) throws(KeysDocumentError) in kept = document }
    }
    return snapshot
  }

  func update(
    _ change: @Sendable (inout KeysDocument) throws(KeysDocumentError) -> Void
  ) async throws(KeySourceError) {
    try await base.update(change)
  }

  /// What an earlier start read; nil where there was none.
  func last() async -> KeysDocument? {
    guard let document = try? await copy.read(unless: nil)?.document, !document.keys.isEmpty else { return nil }
    return document
  }
}
