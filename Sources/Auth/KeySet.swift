// What the authorizer looks keys up in: built once from a document, never changed, shared by all loops.

import Primitives

/// Who a request is from. A class, so that handing it on costs a reference count and no copy of strings.
package final class Principal: Sendable {
  /// `key:NAME` and so on (CONTRACT 3.5), for logs.
  package let id: String
  package let scopes: Scope
  package let tokenType: TokenType

  package init(id: String, scopes: Scope, tokenType: TokenType) {
    self.id = id
    self.scopes = scopes
    self.tokenType = tokenType
  }
}

package final class KeySet: Sendable {
  struct Entry: Sendable {
    let digest: KeyDigest
    let principal: Principal
    /// Nanoseconds since 1970; `Int64.max` where the key does not expire.
    let expiresAt: Int64
    let isRevoked: Bool
    /// It has a constraint that this release does not enforce.
    let isRefused: Bool
  }

  private let entries: [KeyDigest: Entry]
  /// When the first of the active keys that are still good at `now` expires, nanoseconds since 1970.
  private let expiries: [Int64]

  package init(_ document: KeysDocument) {
    var entries: [KeyDigest: Entry] = [:]
    entries.reserveCapacity(document.keys.count)
    for key in document.keys {
      entries[key.digest] = Entry(
        digest: key.digest,
        principal: Principal(id: "key:\(key.name)", scopes: key.scopes, tokenType: .apiKey),
        expiresAt: key.expiresAt ?? .max, isRevoked: key.revokedAt != nil, isRefused: key.isConstrained)
    }
    self.entries = entries
    expiries = document.keys.filter { $0.revokedAt == nil }.compactMap(\.expiresAt).sorted()
  }

  /// Keys that are not revoked, expired ones included.
  package var activeCount: Int { entries.values.count { !$0.isRevoked } }

  /// The earliest expiry after `now` of a key that is not revoked, nanoseconds since 1970.
  package func nextExpiry(after now: Int64) -> Int64? { expiries.first { $0 > now } }

  /// A dictionary look-up by a cryptographic hash tells an attacker nothing about other keys; the final comparison
  /// takes the same time wherever two digests differ.
  func entry(_ digest: KeyDigest) -> Entry? {
    guard let entry = entries[digest], entry.digest == digest else { return nil }
    return entry
  }
}
