// Where the independent test vectors are. They are not part of the project: a test that misses them says so and goes
// on.

import Foundation

package enum Corpora {
  /// The corpus of that name (`json`, `http`, ...) under `CALLFLOW_CORPORA`, else beside the package in
  /// `../shared/corpora`. nil where it is absent, which is said on standard error, so that a run without it cannot
  /// pass for a run with it.
  package static func folder(_ name: String) -> String? {
    let root = ProcessInfo.processInfo.environment["CALLFLOW_CORPORA"] ?? fallback
    let folder = "\(root)/\(name)"
    var isFolder: ObjCBool = false
    if FileManager.default.fileExists(atPath: folder, isDirectory: &isFolder), isFolder.boolValue { return folder }
    let notice = "\n*** CORPUS ABSENT: \(folder) does not exist; the tests that need it DID NOT RUN ***\n\n"
    FileHandle.standardError.write(Data(notice.utf8))
    return nil
  }

  /// The names in a corpus folder, sorted.
  package static func files(in folder: String, suffix: String = "") -> [String] {
    let names = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
    return names.filter { $0.hasSuffix(suffix) }.sorted()
  }

  package static func bytes(_ path: String) throws -> [UInt8] {
    [UInt8](try Data(contentsOf: URL(fileURLWithPath: path)))
  }

  /// From this source file, because the working folder of a test run is the caller's choice.
  private static var fallback: String {
    let own = URL(fileURLWithPath: #filePath)
    let package = own.deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
    return package.deletingLastPathComponent().appendingPathComponent("shared/corpora").path
  }
}
