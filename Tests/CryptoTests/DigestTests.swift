// Known answers: FIPS 180-4 examples, RFC 1321, RFC 4231; and the incremental form against the whole one.

import Crypto
import Testing

@Suite struct DigestTests {
  private func hex(_ bytes: [UInt8]) -> String {
    bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
  }

  @Test func sha256_IsTheStandardsOwn_ForItsExamples() throws {
    let examples: [(String, String)] = [
      ("", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
      ("abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
      (
        "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
        "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"
      ),
    ]
    for (text, digest) in examples { #expect(try hex(SHA256.hash(Array(text.utf8))) == digest) }
  }

  @Test func sha256_GivesTheSameDigest_WhenFedInPieces() throws {
    let whole = (0..<10_000).map { UInt8(truncatingIfNeeded: $0 &* 31) }
    for size in [1, 7, 63, 64, 65, 4096, 10_000] {
      var running = try SHA256()
      for start in stride(from: 0, to: whole.count, by: size) {
        try running.update(Array(whole[start..<min(start + size, whole.count)]))
      }
      #expect(try running.finish() == SHA256.hash(whole))
    }
  }

  @Test func md5_IsTheStandardsOwn_ForItsExamples() throws {
    #expect(try hex(MD5.hash([])) == "d41d8cd98f00b204e9800998ecf8427e")
    #expect(try hex(MD5.hash(Array("message digest".utf8))) == "f96b697d7cb7938d525a2f31aaf161d0")
  }

  @Test func hmac_IsTheStandardsOwn_ForItsExamples() throws {
    let cases: [(key: [UInt8], message: [UInt8], code: String)] = [
      (
        [UInt8](repeating: 0x0B, count: 20), Array("Hi There".utf8),
        "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"
      ),
      (
        Array("Jefe".utf8), Array("what do ya want for nothing?".utf8),
        "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
      ),
      (
        [UInt8](repeating: 0xAA, count: 131), Array("Test Using Larger Than Block-Size Key - Hash Key First".utf8),
        "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54"
      ),
      ([], [], "b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad"),
    ]
    for test in cases { #expect(try hex(HMACSHA256.authenticate(test.message, key: test.key)) == test.code) }
  }

  @Test func hmac_IsRight_WhenManyThreadsUseItAtOnce() async throws {
    let expected = try HMACSHA256.authenticate([1, 2, 3], key: [9])
    try await withThrowingTaskGroup(of: Bool.self) { group in
      for _ in 0..<64 { group.addTask { try HMACSHA256.authenticate([1, 2, 3], key: [9]) == expected } }
      for try await isEqual in group { #expect(isEqual) }
    }
  }

  @Test func equal_TellsDifferences_InContentAndLength() {
    #expect(ConstantTime.equal([], []))
    #expect(ConstantTime.equal([1, 2, 3], [1, 2, 3]))
    #expect(!ConstantTime.equal([1, 2, 3], [1, 2, 4]))
    #expect(!ConstantTime.equal([1, 2, 3], [1, 2]))
  }

  @Test func random_GivesDifferentBytes_EachTime() throws {
    #expect(try SecureRandom.bytes(0).isEmpty)
    #expect(try SecureRandom.bytes(32).count == 32)
    #expect(try SecureRandom.bytes(32) != SecureRandom.bytes(32))
  }

  @Test func version_NamesOpenSSL() { #expect(CryptoLibrary.version.hasPrefix("OpenSSL 3")) }
}
