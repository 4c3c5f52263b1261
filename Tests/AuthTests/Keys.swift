// Keys for the tests of this target.

import Auth
import Primitives
import Testing

let second: Int64 = 1_000_000_000
/// 2026-11-21T06:45:00Z
let now: Int64 = 1_795_243_500 * second

enum Keys {
  static let secret = "cfk_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8"
  static let otherSecret = "cfk_HwECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8"

  static func key(
    _ name: String = "ci", secret: String = secret, scopes: Scope = .standard, expiresAt: Int64? = nil
  ) throws -> APIKey {
    APIKey(
      name: name, digest: try #require(KeySecret.digest(secret)), scopes: scopes, createdAt: now, expiresAt: expiresAt)
  }

  static func document(_ keys: APIKey...) throws -> KeysDocument {
    var document = KeysDocument()
    for key in keys { try document.add(key) }
    return document
  }
}
