// `callflow inspect`.

import EventStore

package enum SegmentTool {
  /// What the segment file holds, as text for people.
  package static func describe(_ path: String) throws(ServiceFailure) -> String {
    do { return try SegmentInspector.describe(path: path) } catch { throw .failed("\(error)") }
  }
}
