// The real disk.

#if canImport(Glibc)
  import Glibc
#endif

package struct PosixDisk: Disk {
  package init() {}

  package func create(_ path: String) throws(DiskError) -> any DiskFile {
    try PosixFile(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC)
  }

  package func open(_ path: String) throws(DiskError) -> any DiskFile {
    try PosixFile(path, O_RDONLY | O_CLOEXEC)
  }

  package func openForWriting(_ path: String) throws(DiskError) -> any DiskFile {
    try PosixFile(path, O_RDWR | O_CLOEXEC)
  }

  package func rename(_ from: String, to: String) throws(DiskError) {
    try check(Glibc.rename(from, to), "rename", from)
  }

  package func remove(_ path: String) throws(DiskError) {
    if unlink(path) != 0, errno != ENOENT { throw DiskError("unlink", path) }
  }

  package func makeFolder(_ path: String) throws(DiskError) {
    var partial = path.hasPrefix("/") ? "" : "."
    for part in path.split(separator: "/") {
      let parent = partial.isEmpty ? "/" : partial
      partial += "/" + part
      if mkdir(partial, 0o750) == 0 {
        try syncFolder(parent)
      } else if errno != EEXIST {
        throw DiskError("mkdir", partial)
      }
    }
  }

  package func removeFolder(_ path: String) throws(DiskError) {
    if rmdir(path) != 0, errno != ENOENT { throw DiskError("rmdir", path) }
  }

  package func list(_ path: String) throws(DiskError) -> [String] {
    guard let folder = opendir(path) else {
      if errno == ENOENT { return [] }
      throw DiskError("opendir", path)
    }
    defer { closedir(folder) }
    var names: [String] = []
    while let entry = readdir(folder) {
      let name = withUnsafePointer(to: &entry.pointee.d_name) { place in
        place.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
      }
      if name != ".", name != ".." { names.append(name) }
    }
    return names.sorted()
  }

  package func syncFolder(_ path: String) throws(DiskError) {
    let descriptor = Glibc.open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    guard descriptor >= 0 else { throw DiskError("open", path) }
    defer { _ = Glibc.close(descriptor) }
    try check(fsync(descriptor), "fsync", path)
  }

  package func lock(_ path: String) throws(DiskError) -> (any DiskLock)? {
    let descriptor = Glibc.open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o640)
    guard descriptor >= 0 else { throw DiskError("open", path) }
    if flock(descriptor, LOCK_EX | LOCK_NB) == 0 { return PosixLock(descriptor: descriptor) }
    let code = errno
    _ = Glibc.close(descriptor)
    if code == EWOULDBLOCK { return nil }
    throw DiskError("flock", path, code)
  }

  private func check(_ result: Int32, _ operation: String, _ path: String) throws(DiskError) {
    if result != 0 { throw DiskError(operation, path) }
  }
}

extension DiskError {
  var isMissingFile: Bool { code == ENOENT }

  init(_ operation: String, _ path: String, _ code: Int32 = errno) {
    self.init(operation: operation, path: path, code: code, reason: String(cString: strerror(code)))
  }
}

/// Owns the descriptor; the lock ends with it, also when the process dies.
private final class PosixLock: DiskLock {
  private let descriptor: Int32

  init(descriptor: Int32) { self.descriptor = descriptor }

  func release() { flock(descriptor, LOCK_UN) }

  deinit { _ = Glibc.close(descriptor) }
}

/// Owns a descriptor until `close` or deinit.
private final class PosixFile: DiskFile, @unchecked Sendable {
  private let path: String
  /// -1 once closed. Only the owner closes, after the last use.
  private var descriptor: Int32

  init(_ path: String, _ flags: Int32) throws(DiskError) {
    self.path = path
    descriptor = Glibc.open(path, flags, 0o640)
    guard descriptor >= 0 else { throw DiskError("open", path) }
  }

  deinit { close() }

  func close() {
    if descriptor >= 0 { _ = Glibc.close(descriptor) }
    descriptor = -1
  }

  func size() throws(DiskError) -> Int {
    var status = stat()
    guard fstat(descriptor, &status) == 0 else { throw DiskError("fstat", path) }
    return Int(status.st_size)
  }

  func allocate(_ range: Range<Int>) throws(DiskError) {
    let code = posix_fallocate(descriptor, range.lowerBound, range.count)
    if code != 0 { throw DiskError("fallocate", path, code) }
  }

  func truncate(to size: Int) throws(DiskError) {
    if ftruncate(descriptor, size) != 0 { throw DiskError("ftruncate", path) }
  }

  func write(_ bytes: UnsafeRawBufferPointer, at offset: Int) throws(DiskError) {
    var done = 0
    while done < bytes.count {
      let count = pwrite(descriptor, bytes.baseAddress.map { $0 + done }, bytes.count - done, offset + done)
      if count < 0, errno == EINTR { continue }
      guard count > 0 else { throw DiskError("write", path, count < 0 ? errno : ENOSPC) }
      done += count
    }
  }

  func read(_ range: Range<Int>) throws(DiskError) -> [UInt8] {
    var failure: DiskError?
    let bytes = [UInt8](unsafeUninitializedCapacity: range.count) { buffer, filled in
      while filled < range.count {
        let count = pread(
          descriptor, buffer.baseAddress.map { $0 + filled }, range.count - filled, range.lowerBound + filled)
        if count < 0, errno == EINTR { continue }
        if count < 0 { failure = DiskError("read", path) }
        guard count > 0 else { return }
        filled += count
      }
    }
    if let failure { throw failure }
    return bytes
  }

  func sync() throws(DiskError) {
    if fdatasync(descriptor) != 0 { throw DiskError("fdatasync", path) }
  }
}
