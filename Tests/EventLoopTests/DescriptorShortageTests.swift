// The listener when the process has no descriptors left: run in a process of its own, because the limit is the
// process's.

import EventLoop
import Glibc
import Primitives
import Testing

@Suite struct DescriptorShortageTests {
  @Test func listener_PausesWithoutSpinning_AndRecovers() async {
    await #expect(processExitsWith: .success) {
      exit(try await DescriptorShortage.run())
    }
  }
}

private enum DescriptorShortage {
  /// 0, or the number of the expectation that did not hold.
  static func run() async throws -> Int32 {
    let loop = try EventLoop(name: "shortage")
    // Not Task.sleep: libdispatch makes its timers' descriptors when they are first needed, and traps where there are
    // none.
    let timer = try EventLoop(name: "timer")
    let notices = Recorder<Int64>()
    let clock = SystemClock()
    let onShortage: @Sendable (String) -> Void = { _ in notices.add(clock.monotonicNanoseconds()) }
    let (listener, limit) = try await listen(loop, onShortage: onShortage) { _ in
      let delegate = ClosureDelegate()
      delegate.onEnded = { connection, _ in connection.close() }
      return delegate
    }
    // The peers' own descriptors are made first; then hardly any more are to be had.
    let peers = (0..<30).map { _ in socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0) }
    let before = setLimit(rlim_t((peers.max() ?? 0) + 6))
    for peer in peers { connect(peer, listener.address.port) }
    while notices.all.isEmpty { try await timer.sleep(for: .milliseconds(5)) }
    let cpuBefore = cpuMicroseconds()
    try await timer.sleep(for: .milliseconds(1500))
    // At most one notice a second, and next to no work meanwhile.
    let seen = notices.all
    guard seen.count <= 3, zip(seen, seen.dropFirst()).allSatisfy({ $1 - $0 >= 1_000_000_000 }) else { return 3 }
    guard cpuMicroseconds() - cpuBefore < 300_000 else { return 4 }
    _ = setLimit(before)
    let open = limit.current
    while limit.current <= open { try await timer.sleep(for: .milliseconds(5)) }
    return 0
  }

  private static func setLimit(_ descriptors: rlim_t) -> rlim_t {
    var limit = rlimit()
    getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
    let before = limit.rlim_cur
    limit.rlim_cur = descriptors
    setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
    return before
  }

  private static func connect(_ descriptor: Int32, _ port: Int) {
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_port = UInt16(port).bigEndian
    address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
    withUnsafePointer(to: &address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        _ = Glibc.connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
      }
    }
  }

  private static func cpuMicroseconds() -> Int {
    var time = timespec()
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time)
    return time.tv_sec * 1_000_000 + time.tv_nsec / 1000
  }
}
