// What this program is, for `version`, the metric callflow_build_info and the OpenAPI document.

import Primitives

package enum BuildInfo {
  package static let version = "0.2.0"
  package static let commit = SourceCommit.text
}
