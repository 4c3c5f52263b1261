// Event ids, ULIDs and their 26 characters: known answers, round trips, and that texts sort as values do.

import Primitives
import TestSupport
import Testing

@Suite struct IdentifierTests {
  private func crockford(_ high: UInt64, _ low: UInt64) -> String {
    withUnsafeTemporaryAllocation(byteCount: 26, alignment: 1) { buffer in
      guard let base = buffer.baseAddress else { return "" }
      Crockford.write(high: high, low: low, to: base)
      return String(decoding: buffer, as: UTF8.self)
    }
  }

  private func decode(_ text: String) -> (high: UInt64, low: UInt64)? {
    Array(text.utf8).withUnsafeBytes { Crockford.decode($0) }
  }

  @Test func crockford_HasKnownAnswers() {
    #expect(crockford(0, 0) == "00000000000000000000000000")
    #expect(crockford(.max, .max) == "7ZZZZZZZZZZZZZZZZZZZZZZZZZ")
    #expect(crockford(0, 1) == "00000000000000000000000001")
    #expect(crockford(0, 31) == "0000000000000000000000000Z")
    #expect(crockford(0, 32) == "00000000000000000000000010")
    #expect(crockford(1, 0) == "0000000000000G000000000000")
    // From the ULID specification: 01ARZ3NDEKTSV4RRFFQ69G5FAV is 01563E3AB5D3D6764C61EFB99302BD5B.
    #expect(crockford(0x0156_3E3A_B5D3_D676, 0x4C61_EFB9_9302_BD5B) == "01ARZ3NDEKTSV4RRFFQ69G5FAV")
  }

  @Test func crockford_RoundTrips_WhenBitsAreRandom() {
    let random = SeededRandom(1)
    for _ in 0..<5000 {
      let (high, low) = (random.next(), random.next())
      let decoded = decode(crockford(high, low))
      #expect(decoded?.high == high)
      #expect(decoded?.low == low)
    }
  }

  @Test(arguments: [
    "", "0", "8ZZZZZZZZZZZZZZZZZZZZZZZZZ", "0000000000000000000000000", "000000000000000000000000000",
    "01arz3ndektsv4rrffq69g5fav", "0IARZ3NDEKTSV4RRFFQ69G5FAV", "0LARZ3NDEKTSV4RRFFQ69G5FAV",
    "OOOOOOOOOOOOOOOOOOOOOOOOOO",
    "01ARZ3NDEKTSUU4RRFFQ69G5FA", "01ARZ3NDEKTSV-RRFFQ69G5FAV", "01ARZ3NDEKTSV4RRFFQ69G5FA\0",
    "01ARZ3NDEKTSV4RRFFQ69G5Fé",
  ])
  func crockford_Refuses_WhatItsWriterDoesNotGive(text: String) { #expect(decode(text) == nil) }

  @Test func eventID_KeepsItsParts_ThroughTheText() throws {
    let id = EventID(milliseconds: 1_795_243_500_123, callHash: 0xDEAD_BEEF, isKeyed: true, unique: 0x1234_5678_9ABC)
    #expect(id.description.utf8.count == EventID.textLength)
    let read = try #require(EventID(id.description))
    #expect(read == id)
    #expect(read.milliseconds == 1_795_243_500_123)
    #expect(read.callHash == 0xDEAD_BEEF)
    #expect(read.isKeyed)
    #expect(read.unique == 0x1234_5678_9ABC)
    #expect(!EventID(milliseconds: 0, callHash: 0, isKeyed: false, unique: .max).isKeyed)
    #expect(EventID(milliseconds: 0, callHash: 0, isKeyed: false, unique: .max).unique == 1 << 47 - 1)
    #expect(EventID(milliseconds: -5, callHash: 0, isKeyed: false, unique: 0).milliseconds == 0)
    #expect(EventID(milliseconds: .max, callHash: 0, isKeyed: false, unique: 0).milliseconds == 1 << 48 - 1)
  }

  /// Computed apart from this code, by integer arithmetic in Python.
  @Test func eventID_HasAKnownText() {
    let callHash = Array("123456789".utf8).withUnsafeBytes { EventID.callHash($0) }
    #expect(callHash == 0xE306_9283)
    let id = EventID(milliseconds: 0x0156_3E3A_B5D3, callHash: callHash, isKeyed: false, unique: 1)
    #expect(id.description == "evt_01ARZ3NDEKWC3950R000000001")
  }

  @Test(arguments: [
    "", "evt_", "evt-01ARZ3NDEKTSV4RRFFQ69G5FAV", "EVT_01ARZ3NDEKTSV4RRFFQ69G5FAV", "01ARZ3NDEKTSV4RRFFQ69G5FAV",
    "evt_01ARZ3NDEKTSV4RRFFQ69G5FAV0", "evt_81ARZ3NDEKTSV4RRFFQ69G5FAV", "evt_01ARZ3NDEKTSV4RRFFQ69G5FA",
  ])
  func eventID_Refuses_OtherTexts(text: String) { #expect(EventID(text) == nil) }

  @Test func eventID_IsWrittenInPlace_AsItIsDescribed() {
    let id = EventID(high: 0x0156_3E3A_B5D3_D676, low: 0x4C61_EFB9_9302_BD5B)
    var bytes = [UInt8](repeating: 0, count: EventID.textLength)
    bytes.withUnsafeMutableBytes { buffer in
      if let base = buffer.baseAddress { id.write(to: base) }
    }
    #expect(String(decoding: bytes, as: UTF8.self) == id.description)
    #expect(id.description == "evt_01ARZ3NDEKTSV4RRFFQ69G5FAV")
  }

  @Test func texts_SortAsValuesDo() {
    let random = SeededRandom(2)
    let ids = (0..<2000).map { _ in EventID(high: random.next() >> random.next(below: 64), low: random.next()) }
    #expect(ids.sorted().map(\.description) == ids.map(\.description).sorted())
    let names = (0..<2000).map { _ in
      ULID(
        milliseconds: Int64(random.next(below: 8)), writer: random.next(below: 1 << 40),
        number: random.next(below: 1 << 40))
    }
    #expect(names.sorted().map(\.description) == names.map(\.description).sorted())
  }

  @Test func ulid_KeepsItsParts_ThroughTheText() throws {
    let name = ULID(milliseconds: 1_795_243_500_123, writer: 0xAB_CDEF_0123, number: 0x45_6789_ABCD)
    let read = try #require(ULID(name.description))
    #expect(read == name)
    #expect(read.milliseconds == 1_795_243_500_123)
    #expect(read.writer == 0xAB_CDEF_0123)
    #expect(read.number == 0x45_6789_ABCD)
    #expect(name.description.utf8.count == 26)
    #expect(ULID(milliseconds: 1, writer: .max, number: .max).milliseconds == 1)
    #expect(ULID("01ARZ3NDEKTSV4RRFFQ69G5FAV")?.description == "01ARZ3NDEKTSV4RRFFQ69G5FAV")
    #expect(ULID("01arz3ndektsv4rrffq69g5fav") == nil)
  }

  @Test func requestID_IsPrefixedAndRandom() {
    let random = SeededRandom(4)
    let first = Prefixed.requestID(random)
    #expect(first.hasPrefix("req_"))
    #expect(first.utf8.count == 30)
    #expect(first != Prefixed.requestID(random))
  }
}

@Suite struct ByteFormTests {
  @Test func reader_GivesBackWhatWasAppended() throws {
    var bytes: [UInt8] = []
    bytes.appendLittle(UInt32(0xDEAD_BEEF))
    let varints: [UInt64] = [0, 1, 127, 128, 300, 1 << 63, .max]
    for value in varints { bytes.appendVarint(value) }
    try bytes.withUnsafeBytes { all throws in
      var reader = ByteReader(all)
      #expect(try reader.little(UInt32.self) == 0xDEAD_BEEF)
      for value in varints { #expect(try reader.varint() == value) }
      #expect(reader.remaining == 0)
      #expect(throws: ByteReader.OutOfBounds.self) { try reader.little(UInt8.self) }
    }
  }

  @Test func varint_Throws_WhenDamaged() {
    for damaged in [[0x80], [UInt8](repeating: 0xFF, count: 11), []] as [[UInt8]] {
      damaged.withUnsafeBytes { all in
        var reader = ByteReader(all)
        #expect(throws: ByteReader.OutOfBounds.self) { try reader.varint() }
      }
    }
  }
}
