// RLIMIT_NOFILE against the connections that the settings allow.

import Glibc
import Observability

enum DescriptorLimit {
  /// What the process needs beside client connections: journal, spool, the store's connections, listeners, logs.
  static let reserved = 512

  /// Raises the soft limit as far as the hard one lets it, and returns how many connections fit.
  static func raise() -> Int {
    var limit = rlimit()
    let kind = __rlimit_resource_t(RLIMIT_NOFILE.rawValue)
    if getrlimit(kind, &limit) == 0, limit.rlim_cur < limit.rlim_max {
      limit.rlim_cur = limit.rlim_max
      _ = setrlimit(kind, &limit)
    }
    return max(16, ProcessMetrics.descriptorLimit() - reserved)
  }
}
