// An object while it is being written. The writer holds an flock on it, so that whoever cleans up can tell a leftover
// of a crash from a write in progress of another process.

import Primitives

#if canImport(Glibc)
  import Glibc
#endif

/// Removed when it goes out of scope, unless it was renamed before.
struct TemporaryFile: ~Copyable {
  let file: LocalFile

  init(path: String) throws(FileFailure) {
    while true {
      let file = try LocalFile(path: path, flags: O_WRONLY | O_CREAT | O_EXCL)
      // Between the two calls a cleaner may have taken the lock and removed the name: then once more.
      if flock(file.descriptor, LOCK_EX | LOCK_NB) == 0, try file.status().st_nlink == 1 {
        self.file = file
        return
      }
      // Some network file systems have no locks: trying again would never end.
      let code = errno
      unlink(path)
      guard [0, EWOULDBLOCK, EINTR].contains(code) else {
        throw FileFailure(operation: "flock", path: path, code: code)
      }
    }
  }

  deinit { unlink(file.path) }

  func fill(with body: ObjectBody) throws(ObjectStoreError) {
    switch body {
    case .bytes(let bytes):
      try asStore { () throws(FileFailure) in try file.append(bytes) }
    case .file(let path, let size):
      let source = try LocalFile(reading: path)
      var offset = 0
      while true {
        // Reads to the file's end, not to `size`, to see a file that grew.
        let range = offset..<offset + 4 * FilePieces.pieceBytes
        let piece = try asStore { () throws(FileFailure) in try source.read(range) }
        if piece.isEmpty { break }
        offset += piece.count
        guard offset <= size else { break }
        try asStore { () throws(FileFailure) in try file.append(piece) }
      }
      guard offset == size else { throw .rejected("\(path) has not the \(size) bytes it should have") }
    }
  }

  /// Sets the time of modification, above that of `old` where there is one, and gives the status with it. On file
  /// systems that keep whole seconds only, the next second is the next time.
  @discardableResult func setModified(_ nanoseconds: Int64, above old: stat? = nil) throws(FileFailure) -> stat {
    let floor = old.map { DirectoryFiles.modified($0) + 1 } ?? 0
    for candidate in [max(nanoseconds, floor), floor + 1_000_000_000] {
      let (seconds, rest) = candidate.quotientAndRemainder(dividingBy: 1_000_000_000)
      let time = timespec(tv_sec: Int(seconds), tv_nsec: Int(rest))
      guard futimens(file.descriptor, [time, time]) == 0 else { throw .last("utimens", file.path) }
      let status = try file.status()
      if DirectoryFiles.modified(status) >= floor { return status }
    }
    return try file.status()
  }

  /// Removes the temporary files that nobody holds.
  static func removeLeftovers(in folder: String) throws(FileFailure) {
    try FolderReader.names(in: folder) { name, _ in
      let path = "\(folder)/\(name)"
      let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW)
      guard descriptor >= 0 else { return }
      if flock(descriptor, LOCK_EX | LOCK_NB) == 0 { unlink(path) }
      close(descriptor)
    }
  }
}
