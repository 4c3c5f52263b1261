// The probe notices stores that do not keep their word (FAULTS 15).

import ObjectStore
import Primitives
import Testing

/// Passes on what it is asked, with the condition that the test chooses.
private struct LooseStore: ObjectStore {
  let base = InMemoryObjectStore()
  /// What becomes of a conditional PUT.
  let put: @Sendable (InMemoryObjectStore, String, ObjectBody) async throws(ObjectStoreError) -> PutOutcome

  func get(_ key: String, range: Range<Int>?) async throws(ObjectStoreError) -> StoredObject? {
    try await base.get(key, range: range)
  }

  func head(_ key: String) async throws(ObjectStoreError) -> ObjectInfo? { try await base.head(key) }

  func put(_ key: String, _ body: ObjectBody, if condition: PutCondition) async throws(ObjectStoreError) -> PutOutcome {
    condition == .none ? try await base.put(key, body, if: .none) : try await put(base, key, body)
  }

  func list(prefix: String, after: String?, limit: Int) async throws(ObjectStoreError) -> ObjectPage {
    try await base.list(prefix: prefix, after: after, limit: limit)
  }

  func delete(_ keys: [String]) async throws(ObjectStoreError) { try await base.delete(keys) }
}

@Suite struct ConditionalWriteProbeTests {
  @Test func probe_CountsTheWinners_WhereTheHeaderIsIgnored() async throws {
    let store = LooseStore { (base, key, body) async throws(ObjectStoreError) in
      try await base.put(key, body, if: .none)
    }
    #expect(try await ConditionalWriteProbe(store: store).run() == .unsupported(winners: 8))
    let steps = await StoreProof(store: store).run()
    #expect(steps.map(\.name) == ["write", "read", "list", "conditional write"])
    guard case .misconfigured(let text)? = steps.last?.failure else {
      Issue.record("\(steps)")
      return
    }
    #expect(text.contains("8 of 8"))
    #expect(try await store.list(prefix: "", after: nil, limit: 10).objects.isEmpty)
  }

  @Test func probe_Notices_WhereNobodyWins() async throws {
    let store = LooseStore { (_, _, _) async throws(ObjectStoreError) in .conditionFailed }
    #expect(try await ConditionalWriteProbe(store: store).run() == .unsupported(winners: 0))
  }

  @Test func probe_Throws_WhereTheStoreCannotBeAsked() async {
    let store = LooseStore { (_, _, _) async throws(ObjectStoreError) in throw .unavailable("down") }
    await #expect(throws: ObjectStoreError.unavailable("down")) { try await ConditionalWriteProbe(store: store).run() }
  }

  @Test func proof_NamesTheStepThatFailed_AndStopsThere() async {
    let store = LooseStore { (_, _, _) async throws(ObjectStoreError) in throw .unavailable("down") }
    let steps = await StoreProof(store: store).run()
    #expect(steps.last?.name == "conditional write")
    #expect(steps.last?.failure == .unavailable("down"))
  }
}
