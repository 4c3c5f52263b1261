// Why a command ends without success, and with which status.

package enum ServiceFailure: Error, Sendable, Equatable, CustomStringConvertible {
  /// Only a person can mend it.
  case misconfigured(String)
  case failed(String)

  /// CONTRACT 1: 78 bad configuration, 1 failed.
  package var exitStatus: Int32 {
    switch self {
    case .misconfigured: 78
    case .failed: 1
    }
  }

  package var description: String {
    switch self {
    case .misconfigured(let text), .failed(let text): text
    }
  }
}
