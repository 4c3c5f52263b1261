// N loops that share the work: one thread each, no locks between them.

import Primitives
import Synchronization

package final class EventLoopGroup: Sendable {
  package let loops: [EventLoop]
  private let turn = Atomic<Int>(0)

  /// `count` loops, at least one, named `<name>-0`, `<name>-1`, ...
  package init(count: Int, name: String = "loop", clock: any Clock = SystemClock()) throws(SystemError) {
    var loops: [EventLoop] = []
    for index in 0..<max(1, count) {
      do {
        loops.append(try EventLoop(name: "\(name)-\(index)", clock: clock))
      } catch {
        for loop in loops { loop.stop() }
        throw error
      }
    }
    self.loops = loops
  }

  /// The loop whose thread is the caller's, else one after the other.
  package func next() -> EventLoop {
    for loop in loops where loop.isCurrent { return loop }
    let (old, _) = turn.wrappingAdd(1, ordering: .relaxed)
    return loops[Int(UInt(bitPattern: old) % UInt(loops.count))]
  }

  /// The worst lag of the loops, in seconds.
  package var lagSeconds: Double { loops.map(\.lag.seconds).max() ?? 0 }

  /// Ends all threads and waits for them. What lives on the loops is stopped before.
  package func stop() {
    for loop in loops { loop.stop() }
  }
}
