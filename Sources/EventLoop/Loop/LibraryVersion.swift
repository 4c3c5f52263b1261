// libevent's version, for `callflow version`.

import CLibevent

/// Of the library loaded at run time, such as `2.1.12-stable`.
package var libeventVersion: String { event_get_version().map { String(cString: $0) } ?? "unknown" }
