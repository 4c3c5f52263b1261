// CRC-32C, hex, base64: known answers of their RFCs, strictness, and round trips.

import TestSupport
import Testing

@testable import Primitives

@Suite struct CRC32CTests {
  /// RFC 3720, B.4, and the check value of the CRC catalogue.
  private static let known: [([UInt8], UInt32)] = [
    ([UInt8](repeating: 0, count: 32), 0x8A91_36AA), ([UInt8](repeating: 0xFF, count: 32), 0x62A8_AB43),
    (Array(0..<32), 0x46DD_794E), ((0..<32).reversed(), 0x113F_DB5C), (Array("123456789".utf8), 0xE306_9283), ([], 0),
    (
      [
        0x01, 0xC0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x14, 0, 0, 0, 0, 0, 0x04, 0, 0, 0, 0, 0x14, 0, 0, 0,
        0x18,
        0x28, 0, 0, 0, 0, 0, 0, 0, 0x02, 0, 0, 0, 0, 0, 0, 0,
      ], 0xD996_3A56
    ),
  ]

  @Test func checksum_HasTheKnownAnswers_InBothWays() {
    for (bytes, expected) in Self.known {
      #expect(CRC32C.checksum(bytes) == expected)
      #expect(bytes.withUnsafeBytes { CRC32C.tabulated($0) } == expected)
    }
  }

  @Test func checksum_IsTheSameByInstructionAndTable_WhenInputIsRandom() {
    #if arch(x86_64)
      if !CRC32C.hasInstruction { print("*** no SSE4.2 here: the instruction was NOT tested ***") }
    #endif
    let random = SeededRandom(3)
    let bytes = random.bytes(4096)
    for _ in 0..<2000 {
      let start = Int(random.next(below: 64))
      let end = start + Int(random.next(below: UInt64(bytes.count - start)))
      let seed = UInt32(truncatingIfNeeded: random.next())
      bytes.withUnsafeBytes { all in
        let part = UnsafeRawBufferPointer(rebasing: all[start..<end])
        #expect(CRC32C.checksum(part, seed: seed) == CRC32C.tabulated(part, seed: seed))
      }
    }
  }

  @Test func checksum_GoesOn_WhenSeededWithTheResultSoFar() {
    let bytes = SeededRandom(5).bytes(100)
    let whole = CRC32C.checksum(bytes)
    bytes.withUnsafeBytes { all in
      for cut in 0...100 {
        let first = CRC32C.checksum(UnsafeRawBufferPointer(rebasing: all[..<cut]))
        #expect(CRC32C.checksum(UnsafeRawBufferPointer(rebasing: all[cut...]), seed: first) == whole)
      }
    }
  }
}

@Suite struct TextFormTests {
  /// RFC 4648, 10.
  @Test(arguments: [
    ("", "", ""), ("f", "Zg==", "66"), ("fo", "Zm8=", "666f"), ("foo", "Zm9v", "666f6f"),
    ("foob", "Zm9vYg==", "666f6f62"),
    ("fooba", "Zm9vYmE=", "666f6f6261"), ("foobar", "Zm9vYmFy", "666f6f626172"),
  ])
  func forms_HaveTheKnownAnswers(text: String, base64: String, hex: String) {
    let bytes = Array(text.utf8)
    #expect(Base64.string(bytes) == base64)
    #expect(Base64.decode(base64) == bytes)
    let unpadded = String(base64.prefix { $0 != "=" })
    #expect(Base64URL.string(bytes) == unpadded)
    #expect(Base64URL.decode(unpadded) == bytes)
    #expect(Hex.string(bytes) == hex)
    #expect(Hex.decode(hex.uppercased()) == bytes)
  }

  @Test func forms_RoundTrip_WhenBytesAreRandom() {
    let random = SeededRandom(9)
    for count in 0..<200 {
      let bytes = random.bytes(count)
      #expect(Base64.decode(Base64.string(bytes)) == bytes)
      #expect(Base64URL.decode(Base64URL.string(bytes)) == bytes)
      #expect(Hex.decode(Hex.string(bytes)) == bytes)
    }
    #expect(Base64URL.string([0xFB, 0xFF, 0xBF]) == "-_-_")
    #expect(Base64.string([0xFB, 0xFF, 0xBF]) == "+/+/")
  }

  @Test(arguments: [
    "Zg", "Zg=", "Zg===", "====", "=", "Zh==", "Zm9=", "Zm 9v", "Zm9v\n", "Z=m9", "Zg==Zg==", "-_-_", "Zmé=",
  ])
  func base64_Refuses_WhatItsWriterDoesNotGive(text: String) { #expect(Base64.decode(text) == nil) }

  @Test(arguments: ["Z", "Zg==", "Zh", "Zm9", "+/+/", "Zm9v\n", "Zm9vY"])
  func base64URL_Refuses_WhatItsWriterDoesNotGive(text: String) { #expect(Base64URL.decode(text) == nil) }

  @Test(arguments: ["6", "6g", "0x66", "66 ", "６６"])
  func hex_Refuses_WhatIsNoHex(text: String) { #expect(Hex.decode(text) == nil) }
}
