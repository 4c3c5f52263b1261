// Whole small files: configuration and secrets, at start and on HUP only.

import Glibc

struct SmallFileError: Error, CustomStringConvertible {
  let path: String
  let reason: String

  var description: String { "\(path) cannot be read: \(reason)" }
}

enum SmallFile {
  static let maxBytes = 1 << 20

  static func read(_ path: String) throws(SmallFileError) -> [UInt8] {
    let file = open(path, O_RDONLY | O_CLOEXEC)
    guard file >= 0 else { throw failure(path) }
    defer { close(file) }
    var bytes: [UInt8] = []
    var piece = [UInt8](repeating: 0, count: 16 << 10)
    while true {
      let count = Glibc.read(file, &piece, piece.count)
      if count == 0 { return bytes }
      guard count > 0 || errno == EINTR else { throw failure(path) }
      bytes.append(contentsOf: piece.prefix(max(count, 0)))
      guard bytes.count <= maxBytes else { throw SmallFileError(path: path, reason: "longer than \(maxBytes) bytes") }
    }
  }

  static func readText(_ path: String) throws(SmallFileError) -> String {
    guard let text = String(validating: try read(path), as: UTF8.self) else {
      throw SmallFileError(path: path, reason: "not UTF-8")
    }
    return text
  }

  private static func failure(_ path: String) -> SmallFileError {
    SmallFileError(path: path, reason: String(cString: strerror(errno)))
  }
}
