// What only the directory store has: names on disk, crashed writers, several processes on one root, versions.

import Foundation
import ObjectStore
import Primitives
import Synchronization
import TestSupport
import Testing

@Suite final class DirectoryObjectStoreTests {
  private let executor = BlockingExecutor(threads: 4, name: "store-io")
  private let folder = TemporaryFolder()

  deinit { executor.stop() }

  private func open(clock: any Clock = SystemClock()) async throws(ObjectStoreError) -> DirectoryObjectStore {
    try await DirectoryObjectStore(root: folder.file("store"), executor: executor, clock: clock)
  }

  private func names(_ path: String = "") -> [String] {
    ((try? FileManager.default.subpathsOfDirectory(atPath: folder.file("store") + path)) ?? []).sorted()
  }

  @Test func objects_AreReadableInPlace_UnderTheirKeys() async throws {
    let store = try await open()
    _ = try await store.put("inbox/01J-a.ndjson.zst", .bytes([1, 2]), if: .ifAbsent)
    _ = try await store.put("odd/.hidden/100%", .bytes([3]), if: .none)
    #expect(
      names().filter { !$0.hasPrefix(".locks/") } == [
        ".locks", ".temporary", "inbox", "inbox/01J-a.ndjson.zst", "odd", "odd/%2ehidden", "odd/%2ehidden/100%25",
      ])
    #expect(try Corpora.bytes(folder.file("store/inbox/01J-a.ndjson.zst")) == [1, 2])
  }

  @Test func start_RemovesLeftovers_ButNotWhatAnotherProcessIsWriting() async throws {
    _ = try await open()
    let temporary = folder.file("store/.temporary")
    try Data([1]).write(to: URL(fileURLWithPath: "\(temporary)/0000000000000001"))
    let held = try LocalFile(path: "\(temporary)/0000000000000002", flags: O_RDWR | O_CREAT)
    #expect(flock(held.descriptor, LOCK_EX | LOCK_NB) == 0)
    _ = try await open()
    #expect(names("/.temporary") == ["0000000000000002"])
  }

  @Test func put_LeavesNoTemporaryFile_WhateverItsEnd() async throws {
    let store = try await open()
    _ = try await store.put("a", .bytes([1]), if: .ifAbsent)
    _ = try await store.put("a", .bytes([2]), if: .ifAbsent)
    _ = try await store.put("a", .bytes([3]), if: .ifMatch("\"other\""))
    _ = try await store.put("a", .bytes([4]), if: .none)
    _ = try? await store.put("a/b", .bytes([5]), if: .none)
    _ = try? await store.put("c", .file(path: folder.file("none"), size: 1), if: .none)
    #expect(names("/.temporary").isEmpty)
    #expect(try await store.get("a", range: nil)?.bytes == [4])
  }

  @Test func keys_ThatAreFolderAndObject_AreRejected() async throws {
    let store = try await open()
    _ = try await store.put("a/b", .bytes([1]), if: .none)
    for (key, condition) in [("a", PutCondition.none), ("a", .ifAbsent), ("a/b/c", .none), ("a/b/c", .ifAbsent)] {
      do throws(ObjectStoreError) {
        _ = try await store.put(key, .bytes([1]), if: condition)
        Issue.record("stored")
      } catch {
        guard case .rejected = error else {
          Issue.record("\(error)")
          return
        }
      }
    }
    try await store.delete(["a"])
    #expect(try await store.get("a/b", range: nil)?.bytes == [1])
  }

  @Test func list_PassesOverFiles_ThatAreNoObjects() async throws {
    let store = try await open()
    _ = try await store.put("a/b", .bytes([1]), if: .none)
    for name in [".DS_Store", "100%", "%zz", "%41"] {
      try Data([1]).write(to: URL(fileURLWithPath: folder.file("store/a/\(name)")))
    }
    try FileManager.default.createSymbolicLink(atPath: folder.file("store/a/link"), withDestinationPath: "b")
    #expect(try await store.list(prefix: "", after: nil, limit: 100).objects.map(\.key) == ["a/b"])
    #expect(try await store.get("a/link", range: nil) == nil)
    #expect(try await store.head("a/link") == nil)
    #expect(try await store.list(prefix: "../", after: nil, limit: 100).objects.isEmpty)
    #expect(try await store.list(prefix: "a/../", after: nil, limit: 100).objects.isEmpty)
  }

  @Test func list_PagesThroughAFolder_LargerThanItKeeps() async throws {
    let store = try await open()
    _ = try await store.put("wide/0", .bytes([]), if: .none)
    for number in 1..<10_000 { link(folder.file("store/wide/0"), folder.file("store/wide/\(number)")) }
    // Folders in the midst, which hold nothing or a key.
    for name in ["1000-", "5-", "9-"] { mkdir(folder.file("store/wide/\(name)"), 0o700) }
    link(folder.file("store/wide/0"), folder.file("store/wide/5-/x"))
    // The first page's names are no objects.
    for number in 0..<1500 { symlink("0", folder.file("store/wide/!\(number)")) }
    var found: [String] = []
    while true {
      let page = try await store.list(prefix: "wide/", after: found.last, limit: 1000)
      found += page.objects.map(\.key)
      if !page.isTruncated { break }
    }
    #expect(found == ((0..<10_000).map { "wide/\($0)" } + ["wide/5-/x"]).sorted())
  }

  @Test func versions_NeverReturn_WhenTheClockStandsOrGoesBack() async throws {
    let clock = ManualClock()
    let store = try await open(clock: clock)
    var etags: Set<String> = []
    var last: Int64 = 0
    for round in 0..<20 {
      if round % 5 == 4 { clock.stepWall(by: .seconds(-1000)) }
      guard case .stored(let etag) = try await store.put("lease", .bytes([7]), if: .none) else { continue }
      let info = try #require(try await store.head("lease"))
      #expect(info.etag == etag)
      #expect(info.modified > last)
      last = info.modified
      etags.insert(etag)
    }
    #expect(etags.count == 20)
  }

  @Test func root_ThatCannotBe_IsMisconfigured() async throws {
    try Data([1]).write(to: URL(fileURLWithPath: folder.file("store")))
    do throws(ObjectStoreError) {
      _ = try await open()
      Issue.record("opened")
    } catch {
      guard case .misconfigured(let text) = error else {
        Issue.record("\(error)")
        return
      }
      #expect(text.contains(folder.path))
    }
  }

  @Test func counters_LoseNoUpdate_WhenTwoStoresShareTheRoot() async throws {
    let stores = [try await open(), try await open()]
    _ = try await stores[0].put("counter", .bytes(Array("0".utf8)), if: .ifAbsent)
    await withTaskGroup(of: Void.self) { group in
      for worker in 0..<4 {
        group.addTask {
          var added = 0
          while added < 10 {
            guard let object = try? await stores[worker % 2].get("counter", range: nil),
              let value = Int(String(decoding: object.bytes, as: UTF8.self)),
              let outcome = try? await stores[worker % 2].put(
                "counter", .bytes(Array(String(value + 1).utf8)), if: .ifMatch(object.info.etag))
            else {
              Issue.record("the store failed")
              return
            }
            if case .stored = outcome { added += 1 }
          }
        }
      }
    }
    #expect(try await stores[0].get("counter", range: nil)?.bytes == Array("40".utf8))
  }

  /// Each look at it is a second later.
  private final class HurryingClock: Clock {
    private let seconds = Atomic<Int64>(0)

    func wallNanoseconds() -> Int64 { 0 }
    func monotonicNanoseconds() -> Int64 { seconds.add(1, ordering: .relaxed).newValue * 1_000_000_000 }
  }

  @Test func put_GivesUp_WhenAnotherProcessKeepsTheLock() async throws {
    let store = try await open(clock: HurryingClock())
    _ = try await store.put("key", .bytes([1]), if: .none)
    let lock = try #require(names("/.locks").first)
    let held = try LocalFile(path: folder.file("store/.locks/\(lock)"), flags: O_RDWR)
    #expect(flock(held.descriptor, LOCK_EX | LOCK_NB) == 0)
    do throws(ObjectStoreError) {
      _ = try await store.put("key", .bytes([2]), if: .none)
      Issue.record("stored")
    } catch {
      guard case .unavailable = error else {
        Issue.record("\(error)")
        return
      }
    }
    #expect(try await store.get("key", range: nil)?.bytes == [1])
    #expect(flock(held.descriptor, LOCK_UN) == 0)
  }
}
