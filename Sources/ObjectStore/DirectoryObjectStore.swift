// Objects as files below one folder: the embedded store of a single machine, and the everyday double of a bucket.
// Several processes may use one root at once. The properties, and what gives them:
//
// - whole or not at all: bytes go to a temporary file, which is renamed (or linked) into its place after its fsync;
// - an answer means durable: the folder is synchronized before every answer, and so is each folder above it once a
//   process; a loser of ifAbsent synchronizes too, because its answer says that the other's object is there to stay;
// - ifAbsent has one winner: link(2) fails where the name exists;
// - ifMatch, replacing and deleting exclude each other by an flock on a lock file of the key's class;
// - a version is (modification time, inode, size): a replacement takes a time above its predecessor's, so a version
//   never returns.
//
// Folders are never removed: an empty one is invisible in lists, and a removal would race with a writer's descent.

import Primitives

#if canImport(Glibc)
  import Glibc
#endif

package final class DirectoryObjectStore: ObjectStore {
  private let files: DirectoryFiles
  private let executor: BlockingExecutor

  /// Creates the root where it is missing and removes what crashed writers left. All file I/O runs on `executor`.
  /// Throws `.misconfigured` where the root cannot be written.
  package init(
    root: String, executor: BlockingExecutor, clock: any Clock = SystemClock(),
    random: any RandomSource = SystemRandom()
  ) async throws(ObjectStoreError) {
    var root = root
    while root.utf8.count > 1, root.utf8.last == UInt8(ascii: "/") { root.removeLast() }
    let files = DirectoryFiles(paths: KeyPaths(root: root), clock: clock, random: random)
    self.files = files
    self.executor = executor
    try await executor.run { () throws(ObjectStoreError) in try files.prepare() }
  }

  package func get(_ key: String, range: Range<Int>?) async throws(ObjectStoreError) -> StoredObject? {
    let files = files
    return try await executor.run { () throws(ObjectStoreError) in try files.get(key, range: range) }
  }

  package func head(_ key: String) async throws(ObjectStoreError) -> ObjectInfo? {
    let files = files
    return try await executor.run { () throws(ObjectStoreError) in try files.head(key) }
  }

  package func put(
    _ key: String, _ body: ObjectBody, if condition: PutCondition
  ) async throws(ObjectStoreError) -> PutOutcome {
    let files = files
    return try await executor.run { () throws(ObjectStoreError) in try files.put(key, body, if: condition) }
  }

  package func list(prefix: String, after: String?, limit: Int) async throws(ObjectStoreError) -> ObjectPage {
    try ObjectKey.check(limit: limit)
    let paths = files.paths
    return try await executor.run { () throws(ObjectStoreError) in
      var listing = DirectoryListing(paths: paths, prefix: prefix, after: after, limit: limit)
      return try listing.page()
    }
  }

  package func delete(_ keys: [String]) async throws(ObjectStoreError) {
    let files = files
    try await executor.run { () throws(ObjectStoreError) in
      for key in keys { _ = try files.paths.place(of: key) }
      for key in keys { try files.delete(key) }
    }
  }
}
