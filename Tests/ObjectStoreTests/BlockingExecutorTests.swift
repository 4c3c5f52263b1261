// Work goes to the named threads, comes back to the caller's executor, and blocks nobody else.

import Foundation
import Primitives
import Synchronization
import Testing

private func threadName() -> String {
  (try? String(contentsOfFile: "/proc/thread-self/comm", encoding: .utf8))?.trimmingCharacters(in: .newlines) ?? ""
}

/// `@concurrent`: what a plain async function sees of the executor it runs on.
@concurrent private func nameInAsyncFunction() async -> String { threadName() }

private final class Tally: Sendable {
  private let count = Atomic<Int>(0)

  var current: Int { count.load(ordering: .sequentiallyConsistent) }

  func add() { count.add(1, ordering: .sequentiallyConsistent) }
}

@Suite struct BlockingExecutorTests {
  private struct Refused: Error, Equatable {}

  @Test func run_WorksOnANamedThread_AndReturnsToTheCallersExecutor() async {
    let pool = BlockingExecutor(threads: 1, name: "pool")
    let home = BlockingExecutor(threads: 1, name: "home")
    let names = await Task(executorPreference: home) {
      let before = await nameInAsyncFunction()
      let during = await pool.run { threadName() }
      let after = await nameInAsyncFunction()
      return [before, during, after, threadName()]
    }.value
    #expect(names == ["home-0", "pool-0", "home-0", "home-0"])
    pool.stop()
    home.stop()
  }

  @Test func run_ThrowsWhatTheWorkThrows_WithItsType() async {
    let pool = BlockingExecutor(threads: 1, name: "pool")
    do throws(Refused) {
      try await pool.run { () throws(Refused) in throw Refused() }
      Issue.record("nothing was thrown")
    } catch {
      #expect(error == Refused())
    }
    pool.stop()
  }

  @Test func threads_WorkAtTheSameTime_UpToTheirNumber() async {
    let pool = BlockingExecutor(threads: 3, name: "pool")
    let arrived = Tally()
    // Each waits for all three: with fewer threads this would never end.
    await withTaskGroup(of: Void.self) { group in
      for _ in 0..<3 {
        group.addTask {
          await pool.run {
            arrived.add()
            while arrived.current < 3 { sched_yield() }
          }
        }
      }
    }
    #expect(arrived.current == 3)
    pool.stop()
  }

  @Test func queue_RunsEverything_WhenManyJobsWait() async {
    let pool = BlockingExecutor(threads: 2, name: "pool")
    let done = Tally()
    await withTaskGroup(of: Void.self) { group in
      for _ in 0..<5000 {
        group.addTask { await pool.run { done.add() } }
      }
    }
    #expect(done.current == 5000)
    pool.stop()
  }
}
