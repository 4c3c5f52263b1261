// Mutual exclusion of writers of one key across threads and processes: an flock on a lock file of its own descriptor,
// which the kernel drops when the holder dies.

import Primitives

#if canImport(Glibc)
  import Glibc
#endif

struct StripeLock: ~Copyable {
  /// A holder writes nothing longer than metadata and one fsync; who waits longer is behind a stopped process.
  private static let patienceNanoseconds: Int64 = 10_000_000_000
  private static let pauseNanoseconds = 1_000_000
  private let file: LocalFile

  /// Waits for the lock. Throws `.unavailable` where it was not to be had in time, so that a stopped process elsewhere
  /// cannot take this process's I/O threads with it.
  init(path: String, clock: any Clock) throws(ObjectStoreError) {
    let file = try asStore { () throws(FileFailure) in try LocalFile(path: path, flags: O_RDWR | O_CREAT) }
    let deadline = clock.monotonicNanoseconds() + Self.patienceNanoseconds
    while flock(file.descriptor, LOCK_EX | LOCK_NB) != 0 {
      guard errno == EWOULDBLOCK || errno == EINTR else { throw FileFailure.last("lock", path).storeError }
      guard clock.monotonicNanoseconds() < deadline else {
        throw .unavailable("another process holds the lock \(path)")
      }
      var pause = timespec(tv_sec: 0, tv_nsec: Self.pauseNanoseconds)
      nanosleep(&pause, nil)
    }
    self.file = file
  }

  /// Said aloud, because a value that nobody mentions again may be destroyed before the end of its scope.
  func release() { flock(file.descriptor, LOCK_UN) }
}
