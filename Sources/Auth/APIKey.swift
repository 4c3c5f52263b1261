// API keys: how a secret is made and recognised, and what is kept of it. Only the SHA-256 of a key is ever stored: 32
// random bytes need no slow hash, and a read of keys.json gives nobody access.

import Crypto
import Primitives

/// SHA-256 of a presented key, as four words: cheap to look up, compared as a whole without early exit.
package struct KeyDigest: Sendable, Hashable {
  private let first: UInt64
  private let second: UInt64
  private let third: UInt64
  private let fourth: UInt64

  /// nil unless there are exactly 32 bytes.
  package init?(bytes: [UInt8]) {
    guard bytes.count == 32 else { return nil }
    (first, second, third, fourth) = bytes.withUnsafeBytes { bytes in
      (
        bytes.loadUnaligned(fromByteOffset: 0, as: UInt64.self),
        bytes.loadUnaligned(fromByteOffset: 8, as: UInt64.self),
        bytes.loadUnaligned(fromByteOffset: 16, as: UInt64.self),
        bytes.loadUnaligned(fromByteOffset: 24, as: UInt64.self)
      )
    }
  }

  package var bytes: [UInt8] {
    var bytes: [UInt8] = []
    bytes.reserveCapacity(32)
    for word in [first, second, third, fourth] { withUnsafeBytes(of: word) { bytes.append(contentsOf: $0) } }
    return bytes
  }

  /// Equality whose time does not depend on where the digests differ.
  package static func == (left: KeyDigest, right: KeyDigest) -> Bool {
    let difference =
      (left.first ^ right.first) | (left.second ^ right.second) | (left.third ^ right.third)
      | (left.fourth ^ right.fourth)
    return difference == 0
  }

  /// The digest is uniform already: one word of it is hash enough.
  package func hash(into hasher: inout Hasher) { hasher.combine(first) }
}

package struct APIKey: Sendable, Equatable {
  /// 1 to 64 of `A-Z a-z 0-9 . _ -`; unique among the keys that are not revoked.
  package var name: String
  package var digest: KeyDigest
  package var scopes: Scope
  /// Nanoseconds since 1970, as all times here.
  package var createdAt: Int64
  package var expiresAt: Int64?
  /// Set on a tombstone: the record stays, so that REVOKED can be told from UNKNOWN_KEY.
  package var revokedAt: Int64?
  /// Constraints, kept by the format. A key that has one which this release does not enforce is refused, never let
  /// through.
  package var callIdPrefix: String?
  package var networks: [String] = []
  /// Overrides of `rate_limit.requests_per_second` and `.burst`.
  package var rate: Int?
  package var burst: Int?
  /// Members of the record that this release does not know, kept when the document is rewritten.
  package var otherMembers = JSONValue.object([])

  package init(name: String, digest: KeyDigest, scopes: Scope, createdAt: Int64, expiresAt: Int64? = nil) {
    self.name = name
    self.digest = digest
    self.scopes = scopes
    self.createdAt = createdAt
    self.expiresAt = expiresAt
  }

  package var isConstrained: Bool { callIdPrefix != nil || !networks.isEmpty }

  package static func isValidName(_ name: String) -> Bool {
    (1...64).contains(name.utf8.count)
      && name.utf8.allSatisfy { byte in
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
          UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "."), UInt8(ascii: "_"), UInt8(ascii: "-"):
          true
        default: false
        }
      }
  }
}

/// The text of a key: `cfk_` and the base64url of 32 random bytes.
package enum KeySecret {
  package static let prefix = "cfk_"
  package static let length = 47

  /// A new secret. It exists only here and with whoever it is shown to.
  package static func make(_ random: any RandomSource) -> String {
    var bytes: [UInt8] = []
    for _ in 0..<4 { bytes.appendLittle(random.next()) }
    return prefix + Base64URL.string(bytes)
  }

  /// Whether the bytes have the form of a key: nothing else is worth a look-up.
  package static func hasForm(_ bytes: UnsafeRawBufferPointer) -> Bool {
    guard bytes.count == length, bytes.starts(with: prefix.utf8) else { return false }
    return bytes[4...].allSatisfy { byte in
      switch byte {
      case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
        UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "_"):
        true
      default: false
      }
    }
  }

  package static func digest(_ secret: String) -> KeyDigest? {
    var secret = secret
    return secret.withUTF8 { digest(UnsafeRawBufferPointer($0)) }
  }

  /// nil only where OpenSSL fails, which refuses the key.
  package static func digest(_ secret: UnsafeRawBufferPointer) -> KeyDigest? {
    (try? SHA256.hash(secret)).flatMap(KeyDigest.init(bytes:))
  }
}
