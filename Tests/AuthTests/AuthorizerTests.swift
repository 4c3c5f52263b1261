import Auth
import HTTPModel
import HTTPTypes
import Primitives
import TestSupport
import Testing

@Suite struct AuthorizerTests {
  private func authorizer(_ change: (inout APIKey) -> Void = { _ in }) throws -> Authorizer {
    var key = try Keys.key()
    change(&key)
    return Authorizer(keys: KeySet(try Keys.document(key)))
  }

  private func decide(
    _ authorizer: Authorizer, _ fields: [(name: String, value: String)], target: String = "/", at time: Int64 = now,
    scope: Scope = .eventsRead
  ) -> Decision {
    authorizer.authorize(RequestHead(.get, target, fields), requiring: scope, now: time)
  }

  private func denial(_ decision: Decision) -> Denial? {
    if case .deny(let denial) = decision { denial } else { nil }
  }

  private func principal(_ decision: Decision) -> Principal? {
    if case .allow(let principal) = decision { principal } else { nil }
  }

  private static let basic = "Basic " + Base64.string(Array("anyone:\(Keys.secret)".utf8))

  @Test(arguments: [
    ("x-api-key", Keys.secret), ("X-API-KEY", Keys.secret), ("Authorization", "Bearer \(Keys.secret)"),
    ("authorization", "bEARER   \(Keys.secret)"), ("Authorization", basic),
  ])
  func authorize_Allows_EveryFormOfAGoodKey(_ name: String, _ value: String) throws {
    let principal = try #require(principal(decide(try authorizer(), [(name, value)])))
    #expect(principal.id == "key:ci")
    #expect(principal.scopes == .standard)
  }

  @Test(arguments: [
    ("x-api-key", "cfk_short", DenialReason.malformed), ("x-api-key", "", .malformed),
    ("x-api-key", Keys.otherSecret, .unknownKey), ("Authorization", "Bearer \(Keys.otherSecret)", .unknownKey),
    ("Authorization", Keys.secret, .malformed), ("Authorization", "Bearer", .malformed),
    ("Authorization", "Bearer ", .malformed), ("Authorization", "Digest \(Keys.secret)", .malformed),
    ("Authorization", "Bearer \(Keys.secret) x", .malformed), ("Authorization", "Basic !!!", .malformed),
    ("Authorization", "Basic " + Base64.string(Array(Keys.secret.utf8)), .malformed),
    ("Authorization", "Basic " + Base64.string(Array("\(Keys.secret):".utf8)), .malformed),
    ("Cookie", Keys.secret, .noToken),
  ])
  func authorize_Denies_WhatIsNoGoodKey(_ name: String, _ value: String, _ reason: DenialReason) throws {
    #expect(denial(decide(try authorizer(), [(name, value)]))?.reason == reason)
  }

  @Test func authorize_Denies_AFlippedBitAnywhere() throws {
    let authorizer = try authorizer()
    for index in 4..<KeySecret.length {
      var bytes = Array(Keys.secret.utf8)
      bytes[index] = bytes[index] == UInt8(ascii: "x") ? UInt8(ascii: "y") : UInt8(ascii: "x")
      let fields = [("x-api-key", String(decoding: bytes, as: UTF8.self))]
      #expect(denial(decide(authorizer, fields))?.reason == .unknownKey)
    }
  }

  @Test func authorize_TellsExpiredFromRevoked() throws {
    let fields = [("x-api-key", Keys.secret)]
    let expiring = try authorizer { $0.expiresAt = now + second }
    #expect(principal(decide(expiring, fields, at: now + second - 1)) != nil)
    #expect(
      denial(decide(expiring, fields, at: now + second))
        == Denial(.tokenExpired, tokenType: .apiKey, principalID: "key:ci"))
    let revoked = try authorizer { $0.revokedAt = now }
    #expect(denial(decide(revoked, fields))?.reason == .revoked)
  }

  @Test func authorize_Denies_WhenTheScopeIsMissing() throws {
    let authorizer = try authorizer()
    let denial = denial(decide(authorizer, [("x-api-key", Keys.secret)], scope: .metricsRead))
    #expect(denial == Denial(.insufficientScope, tokenType: .apiKey, principalID: "key:ci"))
    #expect(denial?.reason.isForbidden == true)
    // Both, not either.
    #expect(principal(decide(authorizer, [("x-api-key", Keys.secret)], scope: [.eventsRead, .admin])) == nil)
  }

  @Test func authorize_RefusesAKey_WhoseConstraintIsNotEnforced() throws {
    for change in [{ (key: inout APIKey) in key.networks = ["10.0.0.0/8"] }, { $0.callIdPrefix = "a" }] {
      #expect(denial(decide(try authorizer(change), [("x-api-key", Keys.secret)]))?.reason == .insufficientScope)
    }
  }

  @Test(arguments: [
    [("x-api-key", Keys.secret), ("Authorization", "Bearer \(Keys.secret)")],
    [("Authorization", "Bearer \(Keys.secret)"), ("authorization", "Bearer \(Keys.secret)")],
    [("x-api-key", Keys.secret), ("x-api-key", Keys.secret)],
  ])
  func authorize_IsABadRequest_WithTwoCredentials(_ fields: [(String, String)]) throws {
    guard case .badRequest = decide(try authorizer(), fields) else {
      Issue.record("two credentials were taken")
      return
    }
  }

  @Test(arguments: [
    ("/?api_key=\(Keys.secret)", "api_key"), ("/?a=1&Access_Token=x", "Access_Token"), ("/?b=\(Keys.secret)", "b"),
    ("/?x-api-key", "x-api-key"),
  ])
  func authorize_IsABadRequest_WithACredentialInTheQuery(_ target: String, _ parameter: String) throws {
    guard case .badRequest(let field, _) = decide(try authorizer(), [("x-api-key", Keys.secret)], target: target) else {
      Issue.record("a credential in the query was taken")
      return
    }
    #expect(field == parameter)
  }

  @Test func authorize_IsUnavailable_UntilKeysWereRead() throws {
    let authorizer = Authorizer()
    guard case .keysUnavailable = decide(authorizer, [("x-api-key", Keys.secret)]) else {
      Issue.record("decided without keys")
      return
    }
    #expect(denial(decide(authorizer, []))?.reason == .noToken)
    authorizer.use(KeySet(try Keys.document(Keys.key())))
    #expect(principal(decide(authorizer, [("x-api-key", Keys.secret)])) != nil)
  }

  @Test func authorize_AllowsEverything_WhenAnonymous() {
    let authorizer = Authorizer(isAnonymous: true)
    #expect(principal(decide(authorizer, [], scope: [.admin, .eventsWrite]))?.id == "anonymous")
  }

  @Test func nextExpiry_IgnoresRevokedAndPastKeys() throws {
    var document = try Keys.document(
      Keys.key("a", expiresAt: now + 5 * second), Keys.key("b", secret: Keys.otherSecret, expiresAt: now + 9 * second))
    #expect(KeySet(document).nextExpiry(after: now) == now + 5 * second)
    #expect(KeySet(document).nextExpiry(after: now + 5 * second) == now + 9 * second)
    try document.revoke("a", at: now)
    #expect(KeySet(document).nextExpiry(after: now) == now + 9 * second)
    #expect(KeySet(document).nextExpiry(after: now + 9 * second) == nil)
  }
}
