// From a request's head to a decision, synchronously and without I/O. Every refusal for a bad credential does the same
// work, a digest, a look-up and a comparison, whether there was a key, a revoked key or none: the time of a 401 tells
// nothing.

import HTTPModel
import Primitives
import Synchronization

package final class Authorizer: Sendable {
  private let current: Mutex<KeySet?>
  private let anonymous: Principal?

  /// `isAnonymous` (development only): everybody may do everything, whatever they present.
  package init(keys: KeySet? = nil, isAnonymous: Bool = false) {
    current = Mutex(keys)
    anonymous = isAnonymous ? Principal(id: "anonymous", scopes: Self.everything, tokenType: .none) : nil
  }

  /// nil until the keys were read once.
  package var keys: KeySet? { current.withLock { $0 } }

  /// Somebody can be let in: the keys were read, or nobody needs one.
  package var knowsKeys: Bool { anonymous != nil || keys != nil }

  /// From now on these keys decide. A request that was let in before is not stopped.
  package func use(_ keys: KeySet) { current.withLock { $0 = keys } }

  /// `now`: nanoseconds since 1970. `scope`: what the route asks for, all of it.
  package func authorize(_ head: RequestHead, requiring scope: Scope, now: Int64) -> Decision {
    if let anonymous { return .allow(anonymous) }
    if head.query != nil, let parameter = head.credentialInQuery() {
      return .badRequest(field: parameter, message: "Credentials are not taken from the query string; send a header")
    }
    let verdict: Verdict
    switch head.presentedCredential() {
    case .several:
      return .badRequest(field: "Authorization", message: "Send one credential: Authorization or x-api-key, not both")
    case .none: verdict = refuse(.noToken, .none)
    case .malformed: verdict = refuse(.malformed, .unknown)
    case .secret(let range):
      verdict = head.bytes.withUnsafeBytes { decide(UnsafeRawBufferPointer(rebasing: $0[range]), now) }
    case .password(let bytes): verdict = bytes.withUnsafeBytes { decide($0, now) }
    }
    return verdict.decision(requiring: scope)
  }

  private enum Verdict {
    case known(Principal)
    case denied(Denial)
    case keysUnavailable

    func decision(requiring scope: Scope) -> Decision {
      switch self {
      case .known(let principal):
        guard principal.scopes.isSuperset(of: scope) else {
          return .deny(Denial(.insufficientScope, tokenType: principal.tokenType, principalID: principal.id))
        }
        return .allow(principal)
      case .denied(let denial): return .deny(denial)
      case .keysUnavailable: return .keysUnavailable
      }
    }
  }

  private func decide(_ secret: UnsafeRawBufferPointer, _ now: Int64) -> Verdict {
    guard KeySecret.hasForm(secret) else { return refuse(.malformed, .unknown) }
    guard let keys else { return .keysUnavailable }
    guard let digest = KeySecret.digest(secret), let entry = keys.entry(digest) else {
      return .denied(Denial(.unknownKey, tokenType: .apiKey))
    }
    let principal = entry.principal
    if entry.isRevoked { return .denied(Denial(.revoked, tokenType: .apiKey, principalID: principal.id)) }
    if entry.expiresAt <= now { return .denied(Denial(.tokenExpired, tokenType: .apiKey, principalID: principal.id)) }
    if entry.isRefused { return .denied(Denial(.insufficientScope, tokenType: .apiKey, principalID: principal.id)) }
    return .known(principal)
  }

  /// A refusal without a key to look up, after the same work as one with.
  private func refuse(_ reason: DenialReason, _ tokenType: TokenType) -> Verdict {
    if let digest = Self.decoy.withUnsafeBytes(KeySecret.digest) { _ = keys?.entry(digest) }
    return .denied(Denial(reason, tokenType: tokenType))
  }

  private static let decoy = [UInt8](repeating: UInt8(ascii: "-"), count: KeySecret.length)
  private static let everything = Scope(Scope.all.map(\.scope))
}
