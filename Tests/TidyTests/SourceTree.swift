// The repository's files as text. Found from this file's own place, so that the working folder of a test run does not
// matter.

import Foundation

struct SourceFile: Sendable, CustomStringConvertible {
  /// Relative to the repository, with `/`.
  let path: String
  let text: String
  /// The text as code where it is Swift: read once, because every rule asks for it.
  let code: SwiftText
  private let bytes: Data

  init(path: String, text: String) {
    self.path = path
    self.text = text
    bytes = Data(text.utf8)
    code = SwiftText(path.hasSuffix(".swift") ? text : "")
  }

  /// Far cheaper than a look at every line, and most words occur in no file.
  func contains(_ word: String) -> Bool {
    bytes.range(of: Data(word.utf8)) != nil
  }

  var description: String { path }
  var isSwift: Bool { path.hasSuffix(".swift") }

  /// The target or the folder of tests: the second part of the path.
  var target: String { path.split(separator: "/").dropFirst().first.map(String.init) ?? "" }
}

enum SourceTree {
  static let root: URL = {
    let own = URL(fileURLWithPath: #filePath)
    return own.deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
  }()

  static let sources = files(under: "Sources")
  static let tests = files(under: "Tests")

  static func text(_ path: String) throws -> String {
    try String(contentsOf: root.appendingPathComponent(path), encoding: .utf8)
  }

  static func exists(_ path: String) -> Bool {
    FileManager.default.fileExists(atPath: root.appendingPathComponent(path).path)
  }

  /// Every text file of the kinds that people write here, sorted by path.
  static func files(under folder: String) -> [SourceFile] {
    let kinds: Set = ["swift", "h", "c", "modulemap", "py", "sh", "lua", "yaml"]
    let names = FileManager.default.enumerator(atPath: root.appendingPathComponent(folder).path)
    var found: [SourceFile] = []
    while let name = names?.nextObject() as? String {
      let path = "\(folder)/\(name)"
      guard kinds.contains(URL(fileURLWithPath: path).pathExtension), let text = try? text(path) else { continue }
      found.append(SourceFile(path: path, text: text))
    }
    return found.sorted { $0.path < $1.path }
  }
}
