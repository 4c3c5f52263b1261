// What this program is, for `version`, the metric callflow_build_info and the OpenAPI document.

package enum BuildInfo {
  package static let version = "0.2.0"

  /// The commit; a release build writes it here before compiling, a build from a working copy does not know it.
  package static let commit = "unknown"
}
