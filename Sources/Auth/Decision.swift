// What the authorizer answers, and why. The reasons' names are those of CONTRACT 3.5: they stand in logs and metrics,
// never in replies.

package enum DenialReason: String, Sendable, CaseIterable {
  case noToken = "NO_TOKEN"
  case malformed = "MALFORMED"
  case unknownKey = "UNKNOWN_KEY"
  case tokenExpired = "TOKEN_EXPIRED"
  case notYetValid = "NOT_YET_VALID"
  case badSignature = "BAD_SIGNATURE"
  case badIssuer = "BAD_ISSUER"
  case badAudience = "BAD_AUDIENCE"
  case algorithmNotAllowed = "ALGORITHM_NOT_ALLOWED"
  case revoked = "REVOKED"
  case clockSkew = "CLOCK_SKEW"
  case insufficientScope = "INSUFFICIENT_SCOPE"

  /// 403: it is known who asks. Every other reason is a 401.
  package var isForbidden: Bool { self == .insufficientScope }
}

/// What was presented, for the log field `tokenType`.
package enum TokenType: String, Sendable {
  case none
  case apiKey = "api_key"
  case unknown
}

package struct Denial: Sendable, Equatable {
  package let reason: DenialReason
  package let tokenType: TokenType
  /// Whose credential it is, where that is known.
  package let principalID: String?

  package init(_ reason: DenialReason, tokenType: TokenType, principalID: String? = nil) {
    self.reason = reason
    self.tokenType = tokenType
    self.principalID = principalID
  }
}

package enum Decision: Sendable {
  case allow(Principal)
  case deny(Denial)
  /// Two header credentials, or one in the query string: 400. `field` names it.
  case badRequest(field: String, message: String)
  /// The keys were never read yet, so nobody can be told from anybody: 503.
  case keysUnavailable

  /// Whose credential it was, where that is known: also of one that was refused.
  package var principalID: String? {
    switch self {
    case .allow(let principal): principal.id
    case .deny(let denial): denial.principalID
    case .badRequest, .keysUnavailable: nil
    }
  }
}
