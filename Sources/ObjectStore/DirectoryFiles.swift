// The blocking half of the directory store: one function an operation.

import Primitives
import Synchronization

#if canImport(Glibc)
  import Glibc
#endif

final class DirectoryFiles: Sendable {
  let paths: KeyPaths
  private let clock: any Clock
  private let random: any RandomSource
  /// Folders whose own entry in the folder above is known to be on disk. Bounded: emptied when full, at the price of
  /// fsyncs.
  private let durableFolders = Mutex<Set<String>>([])
  private static let maxDurableFolders = 4096

  init(paths: KeyPaths, clock: any Clock, random: any RandomSource) {
    self.paths = paths
    self.clock = clock
    self.random = random
  }

  func prepare() throws(ObjectStoreError) {
    do throws(FileFailure) {
      var path = ""
      for name in paths.root.split(separator: "/", omittingEmptySubsequences: false) {
        path += name
        if !path.isEmpty, path != ".", path != ".." { try makeFolder(path) }
        path += "/"
      }
      try makeFolder(paths.temporaryFolder)
      try makeFolder(paths.locksFolder)
      try TemporaryFile.removeLeftovers(in: paths.temporaryFolder)
    } catch {
      // What is wrong with the root itself is for a person to mend.
      guard case .unavailable = error.storeError else { throw .misconfigured(error.storeError.message) }
      throw error.storeError
    }
  }

  func get(_ key: String, range: Range<Int>?) throws(ObjectStoreError) -> StoredObject? {
    let path = try paths.place(of: key).path
    guard let file = try open(path) else { return nil }
    let status = try asStore { () throws(FileFailure) in try file.status() }
    guard let info = Self.info(key, status) else { return nil }
    let wanted = if let range { try ObjectKey.clamp(range, size: info.size, key: key) } else { 0..<info.size }
    let bytes = try asStore { () throws(FileFailure) in try file.read(wanted) }
    guard bytes.count == wanted.count else { throw .corrupt("\(path) ended while it was read") }
    return StoredObject(bytes: bytes, info: info)
  }

  func head(_ key: String) throws(ObjectStoreError) -> ObjectInfo? {
    let path = try paths.place(of: key).path
    let status = try asStore { () throws(FileFailure) in try Self.status(path) }
    return status.flatMap { Self.info(key, $0) }
  }

  func delete(_ key: String) throws(ObjectStoreError) {
    let (folders, path) = try paths.place(of: key)
    let lock = try StripeLock(path: paths.lockFile(key), clock: clock)
    defer { lock.release() }
    guard unlink(path) == 0 else {
      if errno == ENOENT || errno == ENOTDIR || errno == EISDIR { return }
      throw FileFailure.last("delete", path).storeError
    }
    try asStore { () throws(FileFailure) in try LocalFile.synchronizeFolder(folders.last ?? paths.root) }
  }

  func put(_ key: String, _ body: ObjectBody, if condition: PutCondition) throws(ObjectStoreError) -> PutOutcome {
    let (folders, path) = try paths.place(of: key)
    if condition == .ifAbsent, let outcome = try existing(path, in: folders) { return outcome }
    let temporary = try asStore { () throws(FileFailure) in
      try TemporaryFile(path: paths.temporaryFile(random.next()))
    }
    try temporary.fill(with: body)
    try makeFolders(folders)
    return switch condition {
    case .ifAbsent: try link(temporary, to: path, in: folders)
    case .none, .ifMatch: try replace(key, path, by: temporary, in: folders, if: condition)
    }
  }

  /// Where the name exists: the answer to ifAbsent, as durable as if this caller had written the object.
  private func existing(_ path: String, in folders: [String]) throws(ObjectStoreError) -> PutOutcome? {
    guard let status = try asStore({ () throws(FileFailure) in try Self.status(path) }) else { return nil }
    guard status.st_mode & S_IFMT == S_IFREG else { throw .rejected("\(path) is a folder: keys continue below it") }
    try makeFolders(folders)
    try asStore { () throws(FileFailure) in try LocalFile.synchronizeFolder(folders.last ?? paths.root) }
    return .conditionFailed
  }

  private func link(
    _ temporary: borrowing TemporaryFile, to path: String, in folders: [String]
  ) throws(ObjectStoreError) -> PutOutcome {
    let status = try asStore { () throws(FileFailure) in
      try temporary.setModified(clock.wallNanoseconds())
      try temporary.file.synchronize()
      return try temporary.file.status()
    }
    guard Glibc.link(temporary.file.path, path) == 0 else {
      let failure = FileFailure.last("link", path)
      if failure.code == EEXIST, let outcome = try existing(path, in: folders) { return outcome }
      throw failure.storeError
    }
    try asStore { () throws(FileFailure) in try LocalFile.synchronizeFolder(folders.last ?? paths.root) }
    return .stored(etag: Self.etag(status))
  }

  private func replace(
    _ key: String, _ path: String, by temporary: borrowing TemporaryFile, in folders: [String],
    if condition: PutCondition
  ) throws(ObjectStoreError) -> PutOutcome {
    let lock = try StripeLock(path: paths.lockFile(key), clock: clock)
    defer { lock.release() }
    let old = try asStore { () throws(FileFailure) in try Self.status(path) }
    if let old, old.st_mode & S_IFMT != S_IFREG { throw .rejected("\(path) is a folder: keys continue below it") }
    if case .ifMatch(let etag) = condition, old.map(Self.etag) != etag { return .conditionFailed }
    let status = try asStore { () throws(FileFailure) in
      let status = try temporary.setModified(clock.wallNanoseconds(), above: old)
      try temporary.file.synchronize()
      guard rename(temporary.file.path, path) == 0 else { throw .last("rename", path) }
      try LocalFile.synchronizeFolder(folders.last ?? paths.root)
      return status
    }
    return .stored(etag: Self.etag(status))
  }

  private func open(_ path: String) throws(ObjectStoreError) -> LocalFile? {
    do throws(FileFailure) {
      return try LocalFile(path: path, flags: O_RDONLY | O_NOFOLLOW)
    } catch {
      // A link is no object (ELOOP), as in lists.
      if [ENOENT, ENOTDIR, ELOOP].contains(error.code) { return nil }
      throw error.storeError
    }
  }
}

// MARK: - Folders

extension DirectoryFiles {
  /// Makes what is missing of `folders` (each below the one before) and their entries durable.
  private func makeFolders(_ folders: [String]) throws(ObjectStoreError) {
    try asStore { () throws(FileFailure) in for folder in folders { try makeFolder(folder) } }
  }

  /// Another process may have made the folder without its fsync yet: hence once a folder and process, whoever made it.
  private func makeFolder(_ path: String) throws(FileFailure) {
    if durableFolders.withLock({ $0.contains(path) }), try Self.status(path) != nil { return }
    if mkdir(path, 0o750) != 0 {
      let failure = FileFailure.last("mkdir", path)
      var existing = stat()
      guard failure.code == EEXIST, stat(path, &existing) == 0, existing.st_mode & S_IFMT == S_IFDIR else {
        throw failure
      }
    }
    var parent = path
    while let last = parent.popLast(), last != "/" {}
    if parent.isEmpty { parent = path.hasPrefix("/") ? "/" : "." }
    do throws(FileFailure) {
      try LocalFile.synchronizeFolder(parent)
    } catch {
      // Folders above the root may be closed to us or read-only, and then hold nothing new of ours.
      guard !parent.hasPrefix(paths.root), [EACCES, EROFS, EINVAL].contains(error.code) else { throw error }
    }
    durableFolders.withLock { folders in
      if folders.count >= Self.maxDurableFolders { folders.removeAll() }
      folders.insert(path)
    }
  }
}

// MARK: - Versions

extension DirectoryFiles {
  static func status(_ path: String) throws(FileFailure) -> stat? {
    var status = stat()
    guard lstat(path, &status) == 0 else {
      if errno == ENOENT || errno == ENOTDIR { return nil }
      throw .last("stat", path)
    }
    return status
  }

  /// nil for what is no object: folders, links, devices.
  static func info(_ key: String, _ status: stat) -> ObjectInfo? {
    guard status.st_mode & S_IFMT == S_IFREG else { return nil }
    return ObjectInfo(key: key, size: Int(status.st_size), etag: etag(status), modified: modified(status))
  }

  static func modified(_ status: stat) -> Int64 {
    Int64(status.st_mtim.tv_sec) * 1_000_000_000 + Int64(status.st_mtim.tv_nsec)
  }

  static func etag(_ status: stat) -> String {
    let parts = [UInt64(bitPattern: modified(status)), UInt64(status.st_ino), UInt64(status.st_size)]
    return "\"" + parts.map { String($0, radix: 16) }.joined(separator: "-") + "\""
  }
}
