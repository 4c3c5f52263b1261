// What every object store promises, run on each implementation; S3 is a real server that checks signatures.

import ObjectStore
import Primitives
import TestSupport
import Testing

@Suite struct ConformanceTests {
  private func bytes(_ text: String) -> ObjectBody { .bytes(Array(text.utf8)) }

  @Test(arguments: StoreKind.allCases)
  func object_ReadsBackWhole_WhateverItsSize(_ kind: StoreKind) async throws {
    guard let fixture = try await StoreFixture.make(kind) else { return }
    let store = fixture.store
    for size in [0, 1, 100_000, 3_000_000] {
      let key = "inbox/object-\(size)"
      let body = SeededRandom(UInt64(size)).bytes(size)
      guard case .stored(let etag) = try await store.put(key, .bytes(body), if: .none) else {
        Issue.record("not stored")
        continue
      }
      let object = try #require(try await store.get(key, range: nil))
      #expect(object.bytes == body)
      #expect(object.info.key == key && object.info.size == size && object.info.etag == etag)
      let head = try #require(try await store.head(key))
      #expect(head.size == size && head.etag == etag)
      #expect(abs(head.modified - SystemClock().wallNanoseconds()) < 60_000_000_000)
      let listed = try await store.list(prefix: key, after: nil, limit: 1).objects
      #expect(listed.map(\.key) == [key] && listed.map(\.size) == [size])
    }
  }

  @Test(arguments: StoreKind.allCases)
  func absentObject_IsNil_ForGetAndHead(_ kind: StoreKind) async throws {
    guard let fixture = try await StoreFixture.make(kind) else { return }
    #expect(try await fixture.store.get("no/such", range: nil) == nil)
    #expect(try await fixture.store.get("no/such", range: 0..<1) == nil)
    #expect(try await fixture.store.head("no/such") == nil)
    #expect(try await fixture.store.list(prefix: "no/", after: nil, limit: 10).objects.isEmpty)
    _ = try await fixture.store.put("a/folder/object", bytes("x"), if: .none)
    #expect(try await fixture.store.get("a/folder", range: nil) == nil)
    #expect(try await fixture.store.head("a/folder") == nil)
  }

  @Test(arguments: StoreKind.allCases)
  func range_GivesWhatExistsOfIt(_ kind: StoreKind) async throws {
    guard let fixture = try await StoreFixture.make(kind) else { return }
    let store = fixture.store
    _ = try await store.put("key", bytes("0123456789"), if: .none)
    for (range, text) in [(0..<10, "0123456789"), (0..<1, "0"), (3..<7, "3456"), (9..<10, "9"), (5..<100, "56789")] {
      let object = try #require(try await store.get("key", range: range))
      #expect(String(decoding: object.bytes, as: UTF8.self) == text)
      #expect(object.info.size == 10)
    }
    for range in [10..<11, 50..<60, 3..<3] {
      await #expect(throws: ObjectStoreError.self) { try await store.get("key", range: range) }
    }
  }

  @Test(arguments: StoreKind.allCases)
  func ifAbsent_StoresOnce_AndKeepsTheFirst(_ kind: StoreKind) async throws {
    guard let fixture = try await StoreFixture.make(kind) else { return }
    let store = fixture.store
    #expect(try await store.put("a/b", bytes("first"), if: .ifAbsent) != .conditionFailed)
    #expect(try await store.put("a/b", bytes("second"), if: .ifAbsent) == .conditionFailed)
    #expect(try await store.get("a/b", range: nil)?.bytes == Array("first".utf8))
    try await store.delete(["a/b"])
    #expect(try await store.put("a/b", bytes("third"), if: .ifAbsent) != .conditionFailed)
  }

  @Test(arguments: StoreKind.allCases)
  func ifMatch_Stores_OnlyOnTheVersionItNames(_ kind: StoreKind) async throws {
    guard let fixture = try await StoreFixture.make(kind) else { return }
    let store = fixture.store
    #expect(try await store.put("lease", bytes("x"), if: .ifMatch("\"no-such-version\"")) == .conditionFailed)
    guard case .stored(let first) = try await store.put("lease", bytes("one"), if: .none),
      case .stored(let second) = try await store.put("lease", bytes("two"), if: .ifMatch(first))
    else {
      Issue.record("the right version was refused")
      return
    }
    #expect(first != second)
    #expect(try await store.put("lease", bytes("three"), if: .ifMatch(first)) == .conditionFailed)
    #expect(try await store.get("lease", range: nil)?.bytes == Array("two".utf8))
    #expect(try await store.head("lease")?.etag == second)
    try await store.delete(["lease"])
    #expect(try await store.put("lease", bytes("four"), if: .ifMatch(second)) == .conditionFailed)
    #expect(try await store.head("lease") == nil)
  }

  @Test(arguments: StoreKind.allCases)
  func racers_HaveOneWinner_ForEachCondition(_ kind: StoreKind) async throws {
    guard let fixture = try await StoreFixture.make(kind) else { return }
    let store = fixture.store
    // The S3 server takes a second for each race on one key.
    for round in 0..<(kind == .s3 ? 1 : 10) {
      let key = "race/\(round)"
      #expect(await winners(store, key, .ifAbsent) == 1)
      let etag = try #require(try await store.head(key)).etag
      #expect(await winners(store, key, .ifMatch(etag)) == 1)
    }
  }

  private func winners(_ store: any ObjectStore, _ key: String, _ condition: PutCondition) async -> Int {
    await withTaskGroup(of: Int.self) { group in
      for racer in 0..<8 {
        group.addTask {
          let outcome = try? await store.put(key, .bytes(Array("racer \(racer) \(condition)".utf8)), if: condition)
          return if case .stored = outcome { 1 } else { 0 }
        }
      }
      return await group.reduce(0, +)
    }
  }

  @Test(arguments: StoreKind.allCases)
  func replacement_IsSeenWhole_WithAnotherVersion(_ kind: StoreKind) async throws {
    guard let fixture = try await StoreFixture.make(kind) else { return }
    let store = fixture.store
    var versions: Set<String> = []
    for round in 0..<10 {
      guard case .stored(let etag) = try await store.put("key", bytes("round \(round)"), if: .none) else { continue }
      versions.insert(etag)
      #expect(try await store.get("key", range: nil)?.bytes == Array("round \(round)".utf8))
    }
    #expect(versions.count == 10)
  }

  @Test(arguments: StoreKind.allCases)
  func list_PagesInOrder_BelowThePrefixAndAfterTheKey(_ kind: StoreKind) async throws {
    guard let fixture = try await StoreFixture.make(kind) else { return }
    let store = fixture.store
    let keys = (0..<23).map { "inbox/0\($0 % 10)/k\($0)" }.sorted()
    for key in keys + ["inbo", "inbox0/x", "other/k"] { _ = try await store.put(key, bytes(key), if: .none) }
    var found: [String] = []
    var after: String?
    repeat {
      let page = try await store.list(prefix: "inbox/", after: after, limit: 5)
      #expect(page.objects.count == 5 || !page.isTruncated)
      found += page.objects.map(\.key)
      after = page.isTruncated ? page.objects.last?.key : nil
    } while after != nil
    #expect(found == keys)
    #expect(try await store.list(prefix: "inbox/03", after: nil, limit: 1000).objects.map(\.key).count == 2)
    let rest = try await store.list(prefix: "inbox/", after: "inbox/05/k15", limit: 1000)
    #expect(rest.objects.map(\.key) == keys.filter { $0 > "inbox/05/k15" })
    #expect(!rest.isTruncated)
    let between = try await store.list(prefix: "inbox/", after: "inbox/05/k2", limit: 1000)
    #expect(between.objects.map(\.key) == keys.filter { $0 > "inbox/05/k2" })
    let exact = try await store.list(prefix: "inbox/", after: nil, limit: 23)
    #expect(exact.objects.count == 23 && !exact.isTruncated)
    #expect(try await store.list(prefix: "", after: "othe", limit: 10).objects.map(\.key) == ["other/k"])
    #expect(try await store.list(prefix: "inbox/", after: "z", limit: 10).objects.isEmpty)
    // SeaweedFS 4.48 leaves a folder out whose own name is `start-after`; nothing here asks for that.
    if kind != .s3 {
      #expect(try await store.list(prefix: "", after: "other", limit: 10).objects.map(\.key) == ["other/k"])
    }
    #expect(try await store.list(prefix: "inbox/", after: "a", limit: 1).objects.map(\.key) == [keys[0]])
  }

  @Test(arguments: StoreKind.allCases)
  func list_OrdersByBytes_AcrossFolders(_ kind: StoreKind) async throws {
    guard let fixture = try await StoreFixture.make(kind) else { return }
    let store = fixture.store
    let keys = ["o/a!b", "o/a-b", "o/a/x", "o/a/y/z", "o/a0", "o/b"]
    for key in keys.reversed() { _ = try await store.put(key, bytes(key), if: .none) }
    for limit in [1, 2, 1000] {
      var found: [String] = []
      if kind == .s3 {
        // SeaweedFS 4.48 lists the folder o/a/ before o/a!b: that must be an error, because paging over it would skip
        // keys.
        await #expect(throws: ObjectStoreError.self) { try await store.list(prefix: "o/", after: nil, limit: 1000) }
        break
      }
      while true {
        let page = try await store.list(prefix: "o/", after: found.last, limit: limit)
        found += page.objects.map(\.key)
        if !page.isTruncated { break }
      }
      #expect(found == keys)
    }
  }

  @Test(arguments: StoreKind.allCases)
  func keys_KeepTheirBytes_WhateverCharactersTheyHave(_ kind: StoreKind) async throws {
    guard let fixture = try await StoreFixture.make(kind) else { return }
    let store = fixture.store
    // Precomposed and decomposed e-acute are one String to Swift and two keys.
    let names = [
      "plain", "with space", "plus+plus", "per%41cent", "a&b<c>\"'d", "q?x=1#y", "~tilde", ".hidden", "..dots", "ü",
      "日本",
      "\u{E9}", "e\u{301}", "semi;colon,comma", "col:on@at", "-dash", "_under", "(paren)*!$",
    ]
    let keys = names.map { "odd/\($0)/object" }
    for key in keys { _ = try await store.put(key, bytes(key), if: .ifAbsent) }
    for key in keys {
      #expect(try await store.get(key, range: nil)?.bytes == Array(key.utf8), "\(key)")
      let listed = try await store.list(prefix: key, after: nil, limit: 2).objects.map { Array($0.key.utf8) }
      #expect(listed == [Array(key.utf8)], "\(key)")
    }
    let listed = try await store.list(prefix: "odd/", after: nil, limit: 1000).objects.map { Array($0.key.utf8) }
    #expect(listed == keys.map { Array($0.utf8) }.sorted { $0.isBefore($1) })
    try await store.delete(keys)
    #expect(try await store.list(prefix: "", after: nil, limit: 1000).objects.isEmpty)
  }

  @Test(arguments: StoreKind.allCases)
  func delete_RemovesWhatExists_AndMindsNothingElse(_ kind: StoreKind) async throws {
    guard let fixture = try await StoreFixture.make(kind) else { return }
    let store = fixture.store
    let keys = (0..<30).map { "d/k\($0)" }
    for key in keys { _ = try await store.put(key, bytes("x"), if: .none) }
    try await store.delete([])
    try await store.delete(["d/k0", "d/none", "none/at/all"])
    try await store.delete(["d/k1"])
    try await store.delete(["d/k1"])
    #expect(try await store.list(prefix: "d/", after: nil, limit: 100).objects.count == 28)
    try await store.delete(keys)
    #expect(try await store.list(prefix: "", after: nil, limit: 100).objects.isEmpty)
  }

  @Test(arguments: StoreKind.allCases)
  func fileBody_IsStoredWhole_OrNotAtAll(_ kind: StoreKind) async throws {
    guard let fixture = try await StoreFixture.make(kind) else { return }
    let store = fixture.store
    let body = SeededRandom(11).bytes(700_001)
    let path = fixture.folder.file("body")
    try LocalFile(path: path, flags: 0o101).append(body)
    let outcome = try await store.put("file", .file(path: path, size: body.count), if: .ifAbsent)
    #expect(outcome != .conditionFailed)
    #expect(try await store.get("file", range: nil)?.bytes == body)
    for (path, size) in [(path, 700_000), (path, 700_002), (fixture.folder.file("none"), 1)] {
      await #expect(throws: ObjectStoreError.self) {
        try await store.put("other", .file(path: path, size: size), if: .none)
      }
    }
    #expect(try await store.head("other") == nil)
  }

  @Test(
    arguments: StoreKind.allCases,
    ["", "/a", "a/", "a//b", ".", "a/../b", "a/.", "a\nb", "a\u{7F}", String(repeating: "k", count: 901)])
  func key_IsRejected_WhereItBreaksTheRules(_ kind: StoreKind, _ key: String) async throws {
    guard let fixture = try await StoreFixture.make(kind) else { return }
    let store = fixture.store
    func isRejected(_ body: () async throws(ObjectStoreError) -> Void) async -> Bool {
      do throws(ObjectStoreError) {
        try await body()
        return false
      } catch {
        if case .rejected = error { return true }
        return false
      }
    }
    #expect(await isRejected { () async throws(ObjectStoreError) in _ = try await store.get(key, range: nil) })
    #expect(await isRejected { () async throws(ObjectStoreError) in _ = try await store.head(key) })
    #expect(await isRejected { () async throws(ObjectStoreError) in try await store.delete([key]) })
    #expect(
      await isRejected { () async throws(ObjectStoreError) in
        _ = try await store.put(key, .bytes([1]), if: .none)
      })
  }

  @Test(arguments: StoreKind.allCases)
  func probeAndProof_Pass(_ kind: StoreKind) async throws {
    guard let fixture = try await StoreFixture.make(kind) else { return }
    #expect(try await ConditionalWriteProbe(store: fixture.store).run() == .supported)
    let steps = await StoreProof(store: fixture.store).run()
    #expect(steps.map(\.name) == ["write", "read", "list", "conditional write", "delete"])
    #expect(steps.allSatisfy { $0.failure == nil }, "\(steps)")
    #expect(try await fixture.store.list(prefix: "", after: nil, limit: 10).objects.isEmpty)
  }
}
