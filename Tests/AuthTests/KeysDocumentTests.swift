import Auth
import Primitives
import TestSupport
import Testing

@Suite struct KeySecretTests {
  @Test func make_GivesDistinctKeysOfTheDocumentedForm() {
    let random = SeededRandom(1)
    let secrets = (0..<100).map { _ in KeySecret.make(random) }
    #expect(Set(secrets).count == 100)
    for secret in secrets {
      #expect(secret.wholeMatch(of: /cfk_[A-Za-z0-9_-]{43}/) != nil)
      #expect(Array(secret.utf8).withUnsafeBytes(KeySecret.hasForm))
    }
  }

  @Test func digest_IsSHA256_OfTheWholeText() throws {
    // sha256sum of the text of Keys.secret.
    let digest = try #require(KeySecret.digest(Keys.secret))
    #expect(Hex.string(digest.bytes) == "97df36c9c3cdfb62ac1c90eec0a7f31e9ebea141ce479f32b716708fe95ee5ca")
  }

  @Test(arguments: [
    "", "cfk_", "cfk_" + String(repeating: "a", count: 42), "cfk_" + String(repeating: "a", count: 44),
    "CFK_" + String(repeating: "a", count: 43), "cfk_" + String(repeating: "a", count: 42) + "=",
    "cfk_" + String(repeating: "a", count: 42) + "\n",
  ])
  func hasForm_IsFalse_ForOtherTexts(_ text: String) {
    #expect(!Array(text.utf8).withUnsafeBytes(KeySecret.hasForm))
  }
}

@Suite struct ScopeTests {
  @Test func names_RoundTrip() throws {
    let all = Scope.all.map(\.name)
    #expect(all.count == 9)
    #expect(try #require(Scope(names: all)).names == all)
    #expect(Scope.standard.names == ["events:write", "events:read"])
  }

  @Test func init_IsNil_WhenANameIsUnknownOrThereIsNone() {
    #expect(Scope(names: ["events:write", "events:all"]) == nil)
    #expect(Scope(names: []) == nil)
    #expect(Scope(name: "Admin") == nil)
  }
}

@Suite struct KeysDocumentTests {
  private func parse(_ text: String) throws(KeysDocumentError) -> KeysDocument {
    try KeysDocument(parsing: Array(text.utf8))
  }

  @Test func document_IsUnchanged_AfterWritingAndReading() throws {
    var key = try Keys.key("a", expiresAt: now + 90 * second)
    key.callIdPrefix = "tenant-"
    key.networks = ["10.0.0.0/8"]
    key.rate = 50
    key.burst = 75
    var document = try Keys.document(key, Keys.key("b", secret: Keys.otherSecret, scopes: .admin))
    try document.revoke("b", at: now + second)
    #expect(try KeysDocument(parsing: document.serialized()) == document)
  }

  @Test func serialized_HoldsTheHashAndNeverTheSecret() throws {
    let text = String(decoding: try Keys.document(Keys.key()).serialized(), as: UTF8.self)
    #expect(text.contains(Hex.string(try #require(KeySecret.digest(Keys.secret)).bytes)))
    #expect(!text.contains(Keys.secret.dropFirst(4)))
    #expect(text.hasPrefix(#"{"version":1,"keys":["#))
  }

  @Test func membersOfLaterReleases_AreKept_WhenTheDocumentIsRewritten() throws {
    let digest = String(repeating: "0", count: 64)
    let text = """
      {"version":1,"rotation":{"days":30},"keys":[{"name":"a","sha256":"\(digest)","scopes":["admin"],\
      "createdAt":"2026-11-21T06:45:00.000Z","sigv4":{"sealed":"x"}}]}
      """
    var document = try parse(text)
    try document.add(Keys.key("b"))
    let written = String(decoding: document.serialized(), as: UTF8.self)
    #expect(written.contains(#""sigv4":{"sealed":"x"}"#))
    #expect(written.contains(#""rotation":{"days":30}"#))
  }

  @Test func parsing_RefusesANewerVersion() {
    #expect(throws: KeysDocumentError.unsupportedVersion(2)) { try parse(#"{"version":2,"keys":[]}"#) }
  }

  @Test(arguments: [
    "", "[]", "{}", #"{"version":1}"#, #"{"version":"1","keys":[]}"#, #"{"version":1,"keys":[{}]}"#,
    #"{"version":1,"keys":[{"name":"a","sha256":"00","scopes":["admin"],"createdAt":"2026-11-21T06:45:00Z"}]}"#,
    #"{"version":1,"keys":[],"keys":[]}"#,
  ])
  func parsing_Refuses_WhatIsNoKeysDocument(_ text: String) {
    #expect { try parse(text) } throws: { error in
      guard case KeysDocumentError.malformed = error else { return false }
      return true
    }
  }

  @Test(arguments: [
    (#""scopes":["admin"]"#, #""scopes":["root"]"#), (#""scopes":["admin"]"#, #""scopes":[]"#),
    (#""createdAt":"2026-11-21T06:45:00Z""#, #""createdAt":"yesterday""#),
    (#""name":"a""#, #""name":"a b""#), (#""rate":5"#, #""rate":0"#), (#""rate":5"#, #""rate":"5""#),
    (#""rate":5"#, #""expiresAt":7"#), (#""rate":5"#, #""networks":[7]"#),
  ])
  func parsing_Refuses_AKeyWithABadMember(_ good: String, _ bad: String) throws {
    let digest = String(repeating: "0", count: 64)
    let text = """
      {"version":1,"keys":[{"name":"a","sha256":"\(digest)","scopes":["admin"],\
      "createdAt":"2026-11-21T06:45:00Z","rate":5}]}
      """
    _ = try parse(text)
    #expect(text.contains(good))
    #expect(throws: KeysDocumentError.self) { try parse(text.replacing(good, with: bad)) }
  }

  @Test func add_Refuses_ATakenNameAndABadOne() throws {
    var document = try Keys.document(Keys.key("a"))
    #expect(throws: KeysDocumentError.nameTaken("a")) { try document.add(Keys.key("a", secret: Keys.otherSecret)) }
    for name in ["", "a b", "ü", "a/b", String(repeating: "x", count: 65)] {
      #expect(throws: KeysDocumentError.invalidName(name)) {
        try document.add(Keys.key(name, secret: Keys.otherSecret))
      }
    }
  }

  @Test func revoke_LeavesATombstone_AndFreesTheName() throws {
    var document = try Keys.document(Keys.key("a"))
    try document.revoke("a", at: now)
    #expect(document.keys.map(\.revokedAt) == [now])
    #expect(throws: KeysDocumentError.noSuchKey("a")) { try document.revoke("a", at: now) }
    try document.add(Keys.key("a", secret: Keys.otherSecret))
    #expect(document.keys.count == 2)
    #expect(document.activeKey(named: "a")?.digest == KeySecret.digest(Keys.otherSecret))
  }
}
