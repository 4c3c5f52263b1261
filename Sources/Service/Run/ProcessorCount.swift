// How many threads can run at once: the cores that this process may use, or less where a cgroup gives it less time.

import Glibc

enum ProcessorCount {
  /// At least 1.
  static var usable: Int { max(1, min(affinity, quota ?? .max)) }

  /// What taskset and cpusets leave: the bits of `Cpus_allowed` in /proc/self/status.
  private static var affinity: Int {
    let lines = ((try? SmallFile.readText("/proc/self/status")) ?? "").split(separator: "\n")
    let mask = lines.first { $0.hasPrefix("Cpus_allowed:") }?.dropFirst("Cpus_allowed:".count) ?? ""
    let count = mask.compactMap(\.hexDigitValue).reduce(0) { $0 + $1.nonzeroBitCount }
    return count > 0 ? count : sysconf(Int32(_SC_NPROCESSORS_ONLN))
  }

  /// The CPU bandwidth limit of cgroup v2 (`cpu.max`: quota and period, or `max`), else v1, rounded up.
  private static var quota: Int? {
    if let text = try? SmallFile.readText("/sys/fs/cgroup/cpu.max") {
      let parts = text.split { $0 == " " || $0 == "\n" }
      return parts.count == 2 ? rounded(Int(parts[0]), Int(parts[1])) : nil
    }
    return rounded(number("/sys/fs/cgroup/cpu/cpu.cfs_quota_us"), number("/sys/fs/cgroup/cpu/cpu.cfs_period_us"))
  }

  static func rounded(_ quota: Int?, _ period: Int?) -> Int? {
    guard let quota, let period, quota > 0, period > 0 else { return nil }
    return (quota + period - 1) / period
  }

  private static func number(_ path: String) -> Int? {
    (try? SmallFile.readText(path)).flatMap { Int(SettingParser.trimmed($0)) }
  }
}
