// Does this store keep its word on `If-None-Match: *`? Some ignore the header, some check and store in two steps and
// let racers all win (FAULTS 15). The commit log stands on it, so it is tried, not believed: eight PUTs at once on one
// key, three times.

import Primitives

package struct ConditionalWriteProbe: Sendable {
  package static let racers = 8
  package static let rounds = 3

  package enum Outcome: Sendable, Equatable {
    case supported
    /// In some round not exactly one PUT was told that it stored the object.
    case unsupported(winners: Int)
  }

  private let store: any ObjectStore
  private let random: any RandomSource

  package init(store: any ObjectStore, random: any RandomSource = SystemRandom()) {
    self.store = store
    self.random = random
  }

  /// The rounds run side by side, on a key each: some stores make the losers of a race wait for seconds. Leaves nothing
  /// behind but what a failure in the middle leaves. Throws where the store could not be asked at all.
  package func run() async throws(ObjectStoreError) -> Outcome {
    let results = await withTaskGroup(of: Result<Outcome, ObjectStoreError>.self) { group in
      for _ in 0..<Self.rounds {
        group.addTask {
          do throws(ObjectStoreError) { return .success(try await round()) } catch { return .failure(error) }
        }
      }
      return await group.reduce(into: []) { $0.append($1) }
    }
    // One proof of the contrary is enough, whatever the other rounds met.
    for case .success(.unsupported(let winners)) in results { return .unsupported(winners: winners) }
    for result in results { _ = try result.get() }
    return .supported
  }

  private func round() async throws(ObjectStoreError) -> Outcome {
    let key = "leases/probe-\(Hex.string(Self.bytes(of: random.next())))"
    let (winners, failure) = await race(on: key)
    try await store.delete([key])
    // A racer without an answer may have been the winner: that says nothing about the store.
    if winners == 0, let failure { throw failure }
    return winners == 1 ? .supported : .unsupported(winners: winners)
  }

  private func race(on key: String) async -> (winners: Int, failure: ObjectStoreError?) {
    let store = store
    return await withTaskGroup(of: Result<PutOutcome, ObjectStoreError>.self) { group in
      for racer in 0..<Self.racers {
        group.addTask {
          do throws(ObjectStoreError) {
            return .success(try await store.put(key, .bytes(Array("racer \(racer)\n".utf8)), if: .ifAbsent))
          } catch {
            return .failure(error)
          }
        }
      }
      var winners = 0
      var failure: ObjectStoreError?
      for await result in group {
        switch result {
        case .success(.stored): winners += 1
        case .success(.conditionFailed): break
        case .failure(let error): failure = error
        }
      }
      return (winners, failure)
    }
  }

  static func bytes(of value: UInt64) -> [UInt8] { withUnsafeBytes(of: value.bigEndian) { [UInt8]($0) } }
}
