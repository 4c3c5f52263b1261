// A pipe whose reading end the test holds.

import Glibc

final class Pipe: Sendable {
  let readEnd: Int32
  let writeEnd: Int32

  init() {
    var ends: [Int32] = [-1, -1]
    precondition(pipe(&ends) == 0)
    readEnd = ends[0]
    writeEnd = ends[1]
  }

  deinit {
    close(readEnd)
    close(writeEnd)
  }

  /// What is in the pipe now, waiting for at least one byte.
  func read(_ count: Int = 1 << 16) -> [UInt8] {
    var bytes = [UInt8](repeating: 0, count: count)
    let got = Glibc.read(readEnd, &bytes, count)
    return Array(bytes[..<max(0, got)])
  }

  /// Exactly `count` lines, without their line feeds.
  func lines(_ count: Int) -> [String] {
    var all: [UInt8] = []
    while all.count(where: { $0 == 0x0A }) < count {
      let piece = read()
      if piece.isEmpty { break }
      all.append(contentsOf: piece)
    }
    return all.split(separator: 0x0A).map { String(decoding: $0, as: UTF8.self) }
  }
}
