// The loop as executor, as clock and as the one door to its thread.

import EventLoop
import Glibc
import Primitives
import Synchronization
import TestSupport
import Testing

/// A loop for one test.
func withLoop<Result>(_ body: (EventLoop) async throws -> Result) async throws -> Result {
  let loop = try EventLoop(name: "test")
  do {
    let result = try await body(loop)
    loop.stop()
    return result
  } catch {
    loop.stop()
    throw error
  }
}

/// Collects from any thread.
final class Recorder<Element: Sendable>: Sendable {
  private let state = Mutex<[Element]>([])

  func add(_ element: Element) { state.withLock { $0.append(element) } }

  var all: [Element] { state.withLock { $0 } }
}

@Suite struct LoopTests {
  @Test func task_StaysOnTheLoop_AcrossSuspensionsAndChildren() async throws {
    try await withLoop { loop in
      @Sendable func isHere() async -> Bool { loop.isCurrent }
      let places = await Task(executorPreference: loop) { () -> [Bool] in
        var places = [loop.isCurrent]
        await Task.yield()
        places.append(loop.isCurrent)
        async let child = isHere()
        places.append(await child)
        await withCheckedContinuation { continuation in SocketThread.start { continuation.resume() } }
        places.append(loop.isCurrent)
        return places
      }.value
      #expect(places == [true, true, true, true])
      #expect(!loop.isCurrent)
    }
  }

  @Test func execute_RunsInOrder_FromInsideAndOutside() async throws {
    try await withLoop { loop in
      let order = Recorder<Int>()
      for index in 0..<100 { loop.execute { order.add(index) } }
      await loop.run {
        for index in 100..<200 { loop.execute { order.add(index) } }
      }
      await loop.run {}
      #expect(order.all == Array(0..<200))
    }
  }

  @Test func manyThreads_LoseNothing() async throws {
    try await withLoop { loop in
      let count = Recorder<Void>()
      await withTaskGroup(of: Void.self) { tasks in
        for _ in 0..<8 {
          tasks.addTask {
            for _ in 0..<2000 { await loop.run { count.add(()) } }
          }
        }
      }
      #expect(count.all.count == 16000)
    }
  }

  @Test func turnHook_ComesOnceAfterAllWorkOfATurn() async throws {
    try await withLoop { loop in
      let events = Recorder<String>()
      loop.addTurnHook { events.add("hook") }
      await loop.run {}
      let before = events.all.count
      await loop.run {
        events.add("a")
        loop.execute { events.add("b") }
        Task(executorPreference: loop) { events.add("c") }
      }
      await loop.run {}
      let after = events.all.dropFirst(before)
      let turn = after.drop { $0 != "a" }.prefix { $0 != "hook" }
      #expect(Set(turn) == ["a", "b", "c"], "\(after)")
    }
  }

  @Test func scheduledWork_ComesAfterItsDelay_AndNotWhenCancelled() async throws {
    try await withLoop { loop in
      let clock = SystemClock()
      let events = Recorder<String>()
      let cancelled = loop.schedule(after: .milliseconds(5)) { events.add("cancelled") }
      cancelled.cancel()
      let began = clock.monotonicNanoseconds()
      await withCheckedContinuation { continuation in
        loop.schedule(after: .milliseconds(30)) { continuation.resume() }
      }
      #expect(clock.monotonicNanoseconds() - began >= 30_000_000)
      #expect(events.all.isEmpty)
    }
  }

  @Test func sleep_EndsWithCancellation() async throws {
    try await withLoop { loop in
      let task = Task { try await loop.sleep(for: .seconds(60)) }
      task.cancel()
      await #expect(throws: CancellationError.self) { try await task.value }
      try await loop.sleep(for: .milliseconds(1))
    }
  }

  @Test func signal_ArrivesOnTheLoop() async throws {
    try await withLoop { loop in
      let (arrived, arrive) = AsyncStream.makeStream(of: Bool.self)
      let handler = await loop.onSignal(SIGUSR2) { arrive.yield(loop.isCurrent) }
      kill(getpid(), SIGUSR2)
      for await isCurrent in arrived {
        #expect(isCurrent)
        break
      }
      handler.cancel()
      await loop.run {}
    }
  }

  @Test func lag_ShowsALoopThatIsBlocked_WhileItIs() async throws {
    try await withLoop { loop in
      await loop.run {}
      let release = DispatchGate()
      loop.execute { release.wait() }
      // Until a tick has been missed: the reading comes from this thread, the loop's own stands still.
      while loop.lag.nanoseconds < 50_000_000 { await Task.yield() }
      release.open()
      #expect(loop.lag.seconds >= 0.05)
    }
  }

  @Test func group_HandsOutItsLoopsInTurn_AndKeepsACallerOnItsOwn() async throws {
    let group = try EventLoopGroup(count: 2, name: "pair")
    let names = (0..<4).map { _ in group.next().name }
    #expect(Set(names) == ["pair-0", "pair-1"] && names[0] != names[1])
    for loop in group.loops {
      let isSame = await loop.run { group.next() === loop }
      #expect(isSame)
    }
    group.stop()
  }
}

/// Blocks a thread until it is opened.
final class DispatchGate: Sendable {
  private let isOpen = Atomic<Bool>(false)

  func open() { isOpen.store(true, ordering: .releasing) }

  func wait() { while !isOpen.load(ordering: .acquiring) { sched_yield() } }
}
