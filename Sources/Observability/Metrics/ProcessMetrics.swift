// The `process_*` metrics that Prometheus client libraries agree on, read from /proc at each scrape (proc(5)).

import Glibc
import Primitives

package enum ProcessMetrics {
  package static func register(on metrics: MetricRegistry) {
    metrics.reading(
      "process_cpu_seconds_total", "User and system CPU time of the process in seconds.", type: "counter"
    ) { ticksToSeconds((statField(14) ?? 0) + (statField(15) ?? 0)) }
    metrics.reading("process_resident_memory_bytes", "Resident memory in bytes.") {
      (statField(24) ?? 0) * Double(sysconf(Int32(_SC_PAGESIZE)))
    }
    metrics.reading("process_virtual_memory_bytes", "Virtual memory in bytes.") { statField(23) ?? 0 }
    metrics.reading("process_threads", "Threads of the process.") { statField(20) ?? 0 }
    metrics.reading("process_open_fds", "Open file descriptors.") { openDescriptors() }
    metrics.reading("process_max_fds", "Most file descriptors that may be open.") { Double(descriptorLimit()) }
    let start = startSeconds()
    metrics.reading("process_start_time_seconds", "Start of the process in seconds since 1970.") { start }
  }

  /// The soft limit of open descriptors (RLIMIT_NOFILE).
  package static func descriptorLimit() -> Int {
    var limit = rlimit()
    guard getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else { return 0 }
    return Int(clamping: limit.rlim_cur)
  }

  private static func ticksToSeconds(_ ticks: Double) -> Double { ticks / Double(max(1, sysconf(Int32(_SC_CLK_TCK)))) }

  /// Field `number`, counted from 1 as in proc(5), of /proc/self/stat. The second is the program's name in
  /// parentheses and may hold anything, so counting starts behind its last parenthesis.
  private static func statField(_ number: Int) -> Double? {
    guard let text = ProcFile.read("/proc/self/stat"), let end = text.lastIndex(of: ")") else { return nil }
    let fields = text[text.index(after: end)...].split(separator: " ")
    return fields.indices.contains(number - 3) ? Double(fields[number - 3]) : nil
  }

  /// Boot time of the machine and start of the process in ticks after it.
  private static func startSeconds() -> Double {
    let lines = (ProcFile.read("/proc/stat", maxBytes: 4 << 20) ?? "").split(separator: "\n")
    let boot = lines.first { $0.hasPrefix("btime ") }.flatMap { Double($0.dropFirst("btime ".count)) } ?? 0
    return boot + ticksToSeconds(statField(22) ?? 0)
  }

  private static func openDescriptors() -> Double {
    guard let folder = opendir("/proc/self/fd") else { return 0 }
    defer { closedir(folder) }
    // Not `.`, `..` and the descriptor of this very listing.
    var count = -3
    while readdir(folder) != nil { count += 1 }
    return Double(max(0, count))
  }
}

/// Small files of /proc, whose size is unknown before they are read.
enum ProcFile {
  static func read(_ path: String, maxBytes: Int = 64 << 10) -> String? {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { return nil }
    defer { close(descriptor) }
    var bytes: [UInt8] = []
    var piece = [UInt8](repeating: 0, count: 4096)
    while bytes.count < maxBytes {
      let count = Glibc.read(descriptor, &piece, piece.count)
      if count <= 0 { break }
      bytes.append(contentsOf: piece[..<count])
    }
    return String(decoding: bytes, as: UTF8.self)
  }
}
