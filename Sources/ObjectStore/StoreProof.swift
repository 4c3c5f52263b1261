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
    let steps: [(String, @Sendable () async throws(ObjectStoreError) -> Void)] = [
      ("write", { () async throws(ObjectStoreError) in _ = try await store.put(key, .bytes(bytes), if: .none) }),
      (
        "read",
        { () async throws(ObjectStoreError) in
          guard try await store.get(key, range: nil)?.bytes == bytes else {
            throw .corrupt("what was written just now reads differently")
          }
        }
      ),
      (
        "list",
        { () async throws(ObjectStoreError) in
          guard try await store.list(prefix: key, after: nil, limit: 1).objects.first?.key == key else {
            throw .rejected("what was written just now is not listed")
          }
        }
      ),
      (
        "conditional write",
        { () async throws(ObjectStoreError) in
          let outcome = try await ConditionalWriteProbe(store: store, random: random).run()
          guard case .unsupported(let winners) = outcome else { return }
          throw .misconfigured(
            "\(winners) of \(ConditionalWriteProbe.racers) PUTs at once with If-None-Match won, not one")
        }
      ),
      (
        "delete",
        { () async throws(ObjectStoreError) in
          try await store.delete([key])
          guard try await store.head(key) == nil else { throw .rejected("what was deleted just now is still there") }
        }
      ),
    ]
    var results: [Step] = []
    for (name, step) in steps {
      do throws(ObjectStoreError) {
        try await step()
        results.append(Step(name: name, failure: nil))
      } catch {
        results.append(Step(name: name, failure: error))
        // Best effort: the failure above is what is reported.
        try? await store.delete([key])
        break
      }
    }
    return results
  }
}
