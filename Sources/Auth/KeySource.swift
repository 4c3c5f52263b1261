// Where the keys of a deployment are kept. Two conformances: a file of this node, and an object that all nodes share.

import Primitives

package struct KeysSnapshot: Sendable {
  package var document: KeysDocument
  /// Opaque; changes whenever the stored bytes may have.
  package var version: String

  package init(document: KeysDocument, version: String) {
    self.document = document
    self.version = version
  }
}

package enum KeySourceError: Error, Sendable, Equatable {
  /// The operating system or the object store refuses, with its words. May heal.
  case unavailable(String)
  /// Others could read or change the secrets; only a person can mend it.
  case insecure(String)
  /// What is stored, or the change that was asked for, is wrong.
  case document(KeysDocumentError)
  /// Others kept changing the document meanwhile.
  case conflict(tries: Int)

  package var message: String {
    switch self {
    case .unavailable(let text), .insecure(let text): text
    case .document(let error): error.message
    case .conflict(let tries): "the keys were changed by others \(tries) times in a row; try again"
    }
  }
}

package protocol KeySource: Sendable {
  /// The keys, or nil where they are still those of `version`. A source that holds nothing yet answers with an empty
  /// document. May block on files: call it off the loop threads.
  func read(unless version: String?) async throws(KeySourceError) -> KeysSnapshot?

  /// Applies `change` to the newest document and stores the result, or stores nothing. `change` may run several times.
  func update(
    _ change: @Sendable (inout KeysDocument) throws(KeysDocumentError) -> Void
  ) async throws(KeySourceError)
}

extension KeySource {
  /// Makes a key and returns its secret, which is not kept anywhere.
  package func create(
    name: String, scopes: Scope, expiresAt: Int64?, rate: Int? = nil, burst: Int? = nil, now: Int64,
    random: any RandomSource
  ) async throws(KeySourceError) -> String {
    let secret = KeySecret.make(random)
    guard let digest = KeySecret.digest(secret) else { throw .unavailable("OpenSSL could not hash the key") }
    var key = APIKey(name: name, digest: digest, scopes: scopes, createdAt: now, expiresAt: expiresAt)
    key.rate = rate
    key.burst = burst
    let made = key
    try await update { (document: inout KeysDocument) throws(KeysDocumentError) in try document.add(made) }
    return secret
  }

  package func revoke(_ name: String, now: Int64) async throws(KeySourceError) {
    try await update { (document: inout KeysDocument) throws(KeysDocumentError) in try document.revoke(name, at: now) }
  }
}
