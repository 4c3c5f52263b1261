// When a failed request is tried again: jittered exponential back-off within a deadline and within a budget that all
// requests of a store share, so that retries never multiply the load of a store that is down (FAULTS 10). Pure: time
// and randomness are given.

import Primitives
import Synchronization

package struct RetryPolicy: Sendable {
  /// First try included.
  package var maxTries: Int
  /// The longest pause before the first retry; it doubles with each.
  package var baseDelayNanoseconds: Int64
  package var maxDelayNanoseconds: Int64
  /// No retry starts later than this after the request's start.
  package var deadlineNanoseconds: Int64

  package init(
    maxTries: Int = 6, baseDelayNanoseconds: Int64 = 100_000_000, maxDelayNanoseconds: Int64 = 10_000_000_000,
    deadlineNanoseconds: Int64 = 60_000_000_000
  ) {
    precondition(maxTries > 0 && baseDelayNanoseconds > 0 && maxDelayNanoseconds >= baseDelayNanoseconds)
    self.maxTries = maxTries
    self.baseDelayNanoseconds = baseDelayNanoseconds
    self.maxDelayNanoseconds = maxDelayNanoseconds
    self.deadlineNanoseconds = deadlineNanoseconds
  }
}

/// What all requests together may spend on retries: each request earns a part of a retry, each retry costs a whole one.
/// Over any n requests at most `reserve + n * perRequest` retries are made.
package final class RetryBudget: Sendable {
  private let perRequest: Double
  private let reserve: Double
  private let balance: Mutex<Double>

  package init(perRequest: Double = 0.5, reserve: Int = 10) {
    precondition(perRequest >= 0 && reserve >= 0)
    self.perRequest = perRequest
    self.reserve = Double(reserve)
    balance = Mutex(Double(reserve))
  }

  package func earn() { balance.withLock { $0 = min($0 + perRequest, max(reserve, 1)) } }

  /// Whether a retry may be made; if so it is paid.
  package func spend() -> Bool {
    balance.withLock { balance in
      guard balance >= 1 else { return false }
      balance -= 1
      return true
    }
  }
}

/// One request's way through its tries.
package struct RetrySequence: Sendable {
  package enum Action: Sendable, Equatable {
    case retry(afterNanoseconds: Int64)
    case giveUp
  }

  private let policy: RetryPolicy
  private let startedAt: Int64
  package private(set) var tries = 1

  /// `startedAt`: monotonic nanoseconds.
  package init(policy: RetryPolicy, startedAt: Int64) {
    self.policy = policy
    self.startedAt = startedAt
  }

  /// The newest try failed at `now` (monotonic).
  package mutating func failed(
    with error: ObjectStoreError, at now: Int64, budget: RetryBudget, random: any RandomSource
  ) -> Action {
    guard let asked = Self.pause(after: error), tries < policy.maxTries else { return .giveUp }
    let delay = max(asked, 0) + backOff(random)
    guard now - startedAt + delay <= policy.deadlineNanoseconds, budget.spend() else { return .giveUp }
    tries += 1
    return .retry(afterNanoseconds: delay)
  }

  /// Between a half and the whole of the exponential step: apart from each other, but never at once.
  private func backOff(_ random: any RandomSource) -> Int64 {
    var step = policy.baseDelayNanoseconds
    for _ in 1..<tries where step < policy.maxDelayNanoseconds { step *= 2 }
    step = min(step, policy.maxDelayNanoseconds)
    return step / 2 + Int64(random.next(below: UInt64(step / 2 + 1)))
  }

  /// The least pause that the store asked for; nil for what another try cannot mend. Damaged bytes may have been
  /// damaged on the way.
  private static func pause(after error: ObjectStoreError) -> Int64? {
    switch error {
    case .unavailable(_, let seconds): Int64(min(seconds ?? 0, 3600)) * 1_000_000_000
    case .corrupt: 0
    case .misconfigured, .rejected: nil
    }
  }
}
