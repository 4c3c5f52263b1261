// Keys in a file of this node, mode 0600. Readers never see half a file: it is replaced by rename after fsync. Writers
// exclude each other by flock on `<path>.lock`, which is never removed, so that a lock is always on the file that
// others see.

import Glibc
import Primitives

package struct FileKeySource: KeySource {
  /// A document of the largest allowed size stays far below this.
  package static let maxBytes = 16 << 20

  private let path: String

  package init(path: String) { self.path = path }

  package func read(unless version: String?) async throws(KeySourceError) -> KeysSnapshot? {
    try readFile(unless: version)
  }

  package func update(
    _ change: @Sendable (inout KeysDocument) throws(KeysDocumentError) -> Void
  ) async throws(KeySourceError) {
    let lock = try Self.open("\(path).lock", O_RDWR | O_CREAT | O_CLOEXEC)
    defer { close(lock) }
    try ownLikeFolder(lock, "\(path).lock")
    while flock(lock, LOCK_EX) != 0 { guard errno == EINTR else { throw Self.failure("lock", path) } }
    var document = try readFile(unless: nil)?.document ?? KeysDocument()
    do { try change(&document) } catch { throw .document(error) }
    try replace(with: document.serialized())
  }

  private func readFile(unless version: String?) throws(KeySourceError) -> KeysSnapshot? {
    let file = Glibc.open(path, O_RDONLY | O_CLOEXEC)
    guard file >= 0 else {
      guard errno == ENOENT else { throw Self.failure("open", path) }
      return version == "" ? nil : KeysSnapshot(document: KeysDocument(), version: "")
    }
    defer { close(file) }
    var status = stat()
    guard fstat(file, &status) == 0 else { throw Self.failure("stat", path) }
    guard status.st_mode & 0o027 == 0 else {
      let mode = String(status.st_mode & 0o777, radix: 8)
      throw .insecure("\(path) has mode \(mode), so others can read or change the keys: chmod 600 \(path)")
    }
    let found = "\(status.st_ino)-\(status.st_size)-\(status.st_mtim.tv_sec).\(status.st_mtim.tv_nsec)"
    if found == version { return nil }
    let bytes = try Self.readAll(file, path)
    do { return KeysSnapshot(document: try KeysDocument(parsing: bytes), version: found) } catch {
      throw .document(error)
    }
  }

  private func replace(with bytes: [UInt8]) throws(KeySourceError) {
    let temporary = "\(path).new"
    unlink(temporary)
    let file = try Self.open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC)
    defer { close(file) }
    try ownLikeFolder(file, temporary)
    var written = 0
    while written < bytes.count {
      let count = bytes.withUnsafeBytes { write(file, $0.baseAddress.map { $0 + written }, bytes.count - written) }
      guard count >= 0 || errno == EINTR else { throw Self.failure("write", temporary) }
      written += max(count, 0)
    }
    guard fsync(file) == 0 else { throw Self.failure("fsync", temporary) }
    guard rename(temporary, path) == 0 else { throw Self.failure("rename", temporary) }
    let folder = Glibc.open(folderPath, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    guard folder >= 0 else { throw Self.failure("open", folderPath) }
    defer { close(folder) }
    guard fsync(folder) == 0 else { throw Self.failure("fsync", folderPath) }
  }

  /// What root writes for a service that runs as somebody else must stay readable to it.
  private func ownLikeFolder(_ file: Int32, _ name: String) throws(KeySourceError) {
    guard geteuid() == 0 else { return }
    var folder = stat()
    guard stat(folderPath, &folder) == 0 else { throw Self.failure("stat", folderPath) }
    guard fchown(file, folder.st_uid, folder.st_gid) == 0 else { throw Self.failure("chown", name) }
  }

  private var folderPath: String {
    guard let slash = path.utf8.lastIndex(of: UInt8(ascii: "/")) else { return "." }
    return slash == path.startIndex ? "/" : String(path[..<slash])
  }

  private static func open(_ path: String, _ flags: Int32) throws(KeySourceError) -> Int32 {
    let file = Glibc.open(path, flags, 0o600)
    guard file >= 0 else { throw failure("open", path) }
    return file
  }

  private static func readAll(_ file: Int32, _ path: String) throws(KeySourceError) -> [UInt8] {
    var bytes: [UInt8] = []
    var piece = [UInt8](repeating: 0, count: 64 << 10)
    while true {
      let count = piece.withUnsafeMutableBytes { Glibc.read(file, $0.baseAddress, $0.count) }
      if count == 0 { return bytes }
      guard count > 0 || errno == EINTR else { throw failure("read", path) }
      bytes.append(contentsOf: piece.prefix(max(count, 0)))
      guard bytes.count <= maxBytes else { throw .document(.malformed("larger than \(maxBytes) bytes")) }
    }
  }

  private static func failure(_ operation: String, _ path: String) -> KeySourceError {
    .unavailable("\(operation) \(path): \(String(cString: strerror(errno)))")
  }
}
