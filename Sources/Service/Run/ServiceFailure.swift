// Why a command ends without success, and with which status.

package enum ServiceFailure: Error, Sendable, Equatable, CustomStringConvertible {
  /// Only a person can mend it.
  case misconfigured(String)
  case failed(String)
  /// With that status, and the reason is in the log already.
  case reported(Int32)

  /// CONTRACT 1: 78 bad configuration, 1 failed.
  package var exitStatus: Int32 {
    switch self {
    case .misconfigured: 78
    case .failed: 1
    case .reported(let status): status
    }
  }

  package var description: String {
    switch self {
    case .misconfigured(let text), .failed(let text): text
    case .reported: ""
    }
  }
}
