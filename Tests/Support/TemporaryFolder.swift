// A folder of its own for one test, gone with the object.

import Foundation

package final class TemporaryFolder: Sendable {
  package let path: String

  package init(_ name: String = "callflow-test") {
    let pattern = FileManager.default.temporaryDirectory.appendingPathComponent("\(name)-XXXXXX").path
    var template = Array(pattern.utf8CString)
    guard let made = mkdtemp(&template) else { fatalError("mkdtemp \(pattern): errno \(errno)") }
    path = String(cString: made)
  }

  deinit { try? FileManager.default.removeItem(atPath: path) }

  /// The path of `name` in the folder.
  package func file(_ name: String) -> String { "\(path)/\(name)" }
}
