// Proves a store before anybody relies on it (`check-config --online`): one small object through every operation.

import Primitives

package struct StoreProof: Sendable {
  package struct Step: Sendable {
    /// `write`, `read`, `list`, `conditional write`, `delete`.
    package let name: String
    /// nil where it passed.
    package let failure: ObjectStoreError?
  }

  private let store: any ObjectStore
  private let random: any RandomSource

  package init(store: any ObjectStore, random: any RandomSource = SystemRandom()) {
    self.store = store
    self.random = random
  }

  /// In order, up to the first failure; the object is removed in any case.
  package func run() async -> [Step] {
    let name = Hex.string(ConditionalWriteProbe.bytes(of: random.next()))
    let key = "leases/proof-\(name)"
    let bytes = Array("callflow \(name)\n".utf8)
    var steps: [Step] = []
    func prove(_ name: String, _ step: () async throws(ObjectStoreError) -> Void) async {
      guard steps.last?.failure == nil else { return }
      do throws(ObjectStoreError) {
        try await step()
        steps.append(Step(name: name, failure: nil))
      } catch {
        steps.append(Step(name: name, failure: error))
      }
    }
    await prove("write") { () async throws(ObjectStoreError) in
      _ = try await store.put(key, .bytes(bytes), if: .none)
    }
    await prove("read") { () async throws(ObjectStoreError) in try await read(key, bytes) }
    await prove("list") { () async throws(ObjectStoreError) in try await list(key) }
    await prove("conditional write") { () async throws(ObjectStoreError) in try await writeConditionally() }
    await prove("delete") { () async throws(ObjectStoreError) in try await delete(key) }
    // Best effort: the failure that is reported is the one above.
    if steps.last?.failure != nil { try? await store.delete([key]) }
    return steps
  }

  private func read(_ key: String, _ bytes: [UInt8]) async throws(ObjectStoreError) {
    guard try await store.get(key, range: nil)?.bytes == bytes else {
      throw .corrupt("what was written just now reads differently")
    }
  }

  private func list(_ key: String) async throws(ObjectStoreError) {
    guard try await store.list(prefix: key, after: nil, limit: 1).objects.first?.key == key else {
      throw .rejected("what was written just now is not listed")
    }
  }

  private func writeConditionally() async throws(ObjectStoreError) {
    let outcome = try await ConditionalWriteProbe(store: store, random: random).run()
    guard case .unsupported(let winners) = outcome else { return }
    throw .misconfigured("\(winners) of \(ConditionalWriteProbe.racers) PUTs at once with If-None-Match won, not one")
  }

  private func delete(_ key: String) async throws(ObjectStoreError) {
    try await store.delete([key])
    guard try await store.head(key) == nil else { throw .rejected("what was deleted just now is still there") }
  }
}
