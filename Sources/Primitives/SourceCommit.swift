// The commit that this program was built from.

import CIntrinsics

package enum SourceCommit {
  /// `unknown` where the build was not told (Sources/CIntrinsics/shim.h).
  package static let text = String(cString: callflow_commit())
}
