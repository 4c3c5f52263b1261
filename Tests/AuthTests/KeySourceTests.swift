import Auth
import Foundation
import Primitives
import Synchronization
import TestSupport
import Testing

/// An object that others change between a reader's get and its put, as often as the test wants.
private final class ContestedObject: KeyObject {
  private struct State {
    var bytes: [UInt8]?
    var version = 0
    var conflictsLeft: Int
  }
  private let state: Mutex<State>

  init(conflicts: Int) { state = Mutex(State(conflictsLeft: conflicts)) }

  func get() async throws(KeySourceError) -> (bytes: [UInt8], version: String)? {
    state.withLock { state in state.bytes.map { ($0, String(state.version)) } }
  }

  func put(_ bytes: [UInt8], replacing version: String?) async throws(KeySourceError) -> Bool {
    state.withLock { state in
      if state.conflictsLeft > 0 {
        state.conflictsLeft -= 1
        state.version += 1
        state.bytes = state.bytes ?? KeysDocument().serialized()
      }
      guard version == (state.bytes == nil ? nil : String(state.version)) else { return false }
      state.bytes = bytes
      state.version += 1
      return true
    }
  }
}

@Suite struct StoreKeySourceTests {
  @Test func create_MakesAKeyThatIsReadBack() async throws {
    let source = StoreKeySource(ContestedObject(conflicts: 0))
    let secret = try await source.create(
      name: "a", scopes: .standard, expiresAt: nil, rate: 10, now: now, random: SeededRandom(3))
    let snapshot = try #require(try await source.read(unless: nil))
    #expect(snapshot.document.keys.map(\.digest) == [KeySecret.digest(secret)])
    #expect(snapshot.document.keys.map(\.rate) == [10])
    #expect(try await source.read(unless: snapshot.version) == nil)
  }

  @Test func read_IsEmpty_BeforeTheFirstKey() async throws {
    let source = StoreKeySource(ContestedObject(conflicts: 0))
    let snapshot = try #require(try await source.read(unless: nil))
    #expect(snapshot.document == KeysDocument())
    #expect(try await source.read(unless: snapshot.version) == nil)
  }

  @Test func update_Repeats_WhenOthersWereFaster() async throws {
    let source = StoreKeySource(ContestedObject(conflicts: 3))
    _ = try await source.create(name: "a", scopes: .admin, expiresAt: nil, now: now, random: SeededRandom(3))
    #expect(try await source.read(unless: nil)?.document.keys.map(\.name) == ["a"])
  }

  @Test func update_GivesUp_WhenOthersAlwaysAreFaster() async throws {
    let source = StoreKeySource(ContestedObject(conflicts: .max))
    await #expect(throws: KeySourceError.conflict(tries: 10)) {
      try await source.create(name: "a", scopes: .admin, expiresAt: nil, now: now, random: SeededRandom(3))
    }
  }

  @Test func revoke_Throws_WhenThereIsNoSuchKey() async throws {
    let source = StoreKeySource(ContestedObject(conflicts: 0))
    await #expect(throws: KeySourceError.document(.noSuchKey("a"))) { try await source.revoke("a", now: now) }
  }
}

@Suite struct FileKeySourceTests {
  private func mode(_ path: String) throws -> Int {
    try #require(FileManager.default.attributesOfItem(atPath: path)[.posixPermissions] as? Int)
  }

  @Test func create_WritesAPrivateFile_AndLeavesNoTemporaryOne() async throws {
    let folder = TemporaryFolder()
    let path = folder.path + "/keys.json"
    let source = FileKeySource(path: path)
    #expect(try await source.read(unless: nil)?.document == KeysDocument())
    _ = try await source.create(name: "a", scopes: .standard, expiresAt: nil, now: now, random: SeededRandom(3))
    #expect(try mode(path) == 0o600)
    #expect(
      try FileManager.default.contentsOfDirectory(atPath: folder.path).sorted() == ["keys.json", "keys.json.lock"])
    let snapshot = try #require(try await source.read(unless: nil))
    #expect(snapshot.document.keys.map(\.name) == ["a"])
    #expect(try await source.read(unless: snapshot.version) == nil)
    try await source.revoke("a", now: now)
    #expect(try await source.read(unless: snapshot.version)?.document.keys.map(\.revokedAt) == [now])
  }

  @Test(arguments: [0o644, 0o604, 0o620, 0o660, 0o602])
  func read_Refuses_AFileThatOthersCanReadOrChange(_ mode: Int) async throws {
    let folder = TemporaryFolder()
    let path = folder.path + "/keys.json"
    let source = FileKeySource(path: path)
    _ = try await source.create(name: "a", scopes: .standard, expiresAt: nil, now: now, random: SeededRandom(3))
    try FileManager.default.setAttributes([.posixPermissions: mode], ofItemAtPath: path)
    await #expect {
      try await source.read(unless: nil)
    } throws: { error in
      guard case KeySourceError.insecure(let text) = error else { return false }
      return text.contains(path) && text.contains(String(mode, radix: 8))
    }
  }

  @Test func update_LosesNoKey_WhenManyWriteAtOnce() async throws {
    let folder = TemporaryFolder()
    let path = folder.path + "/keys.json"
    try await withThrowingTaskGroup { group in
      for number in 0..<16 {
        group.addTask {
          _ = try await FileKeySource(path: path).create(
            name: "key-\(number)", scopes: .standard, expiresAt: nil, now: now,
            random: SeededRandom(UInt64(number)))
        }
      }
      try await group.waitForAll()
    }
    let names = try await FileKeySource(path: path).read(unless: nil)?.document.keys.map(\.name) ?? []
    #expect(Set(names) == Set((0..<16).map { "key-\($0)" }))
  }

  @Test func read_Throws_WhenTheFileIsDamaged() async throws {
    let folder = TemporaryFolder()
    let path = folder.path + "/keys.json"
    try Data("{".utf8).write(to: URL(fileURLWithPath: path))
    try FileManager.default.setAttributes([.posixPermissions: 0o600], ofItemAtPath: path)
    await #expect(throws: KeySourceError.self) { try await FileKeySource(path: path).read(unless: nil) }
  }

  @Test func update_Fails_WhenTheFolderIsMissing() async throws {
    let folder = TemporaryFolder()
    let source = FileKeySource(path: folder.path + "/none/keys.json")
    await #expect {
      try await source.revoke("a", now: now)
    } throws: { error in
      guard case KeySourceError.unavailable(let text) = error else { return false }
      return text.contains("No such file or directory")
    }
  }
}
