// One open file, and what its failures mean to somebody who wants an object stored. Calls block: they belong on a
// `BlockingExecutor`.

import Primitives

#if canImport(Glibc)
  import Glibc
#endif

/// A failed call to the operating system.
package struct FileFailure: Error, Sendable {
  package let operation: String
  package let path: String
  package let code: Int32

  /// Takes `errno` as the call that just failed left it.
  package static func last(_ operation: String, _ path: String) -> FileFailure {
    FileFailure(operation: operation, path: path, code: errno)
  }

  package var storeError: ObjectStoreError {
    let text = "\(operation) of \(path) failed: \(String(cString: strerror(code)))"
    switch code {
    case EACCES, EPERM, EROFS, ENOTDIR, ELOOP: return .misconfigured(text)
    case ENAMETOOLONG, EFBIG, EISDIR, EEXIST: return .rejected(text)
    default: return .unavailable(text)
    }
  }
}

/// Runs file operations for the store: their failures become the store's.
func asStore<T: ~Copyable>(_ body: () throws(FileFailure) -> T) throws(ObjectStoreError) -> T {
  do throws(FileFailure) {
    return try body()
  } catch {
    throw error.storeError
  }
}

/// Owns one file descriptor.
package struct LocalFile: ~Copyable {
  package let descriptor: Int32
  package let path: String

  package init(path: String, flags: Int32, mode: mode_t = 0o640) throws(FileFailure) {
    let descriptor = open(path, flags | O_CLOEXEC, mode)
    guard descriptor >= 0 else { throw .last("open", path) }
    self.descriptor = descriptor
    self.path = path
  }

  /// For a body that somebody wants stored: a file that cannot be read is the caller's mistake.
  package init(reading path: String) throws(ObjectStoreError) {
    do throws(FileFailure) {
      try self.init(path: path, flags: O_RDONLY)
    } catch {
      throw .rejected(error.storeError.message)
    }
  }

  deinit { close(descriptor) }

  package func status() throws(FileFailure) -> stat {
    var status = stat()
    guard fstat(descriptor, &status) == 0 else { throw .last("stat", path) }
    return status
  }

  /// The bytes of `range`, fewer where the file ends before.
  package func read(_ range: Range<Int>) throws(FileFailure) -> [UInt8] {
    var isFailed = false
    let bytes = [UInt8](unsafeUninitializedCapacity: range.count) { buffer, count in
      while count < range.count {
        let got = pread(
          descriptor, UnsafeMutableRawPointer(buffer.baseAddress)?.advanced(by: count), range.count - count,
          off_t(range.lowerBound + count))
        if got > 0 {
          count += got
        } else if got == 0 {
          break
        } else if errno != EINTR {
          isFailed = true
          break
        }
      }
    }
    if isFailed { throw .last("read", path) }
    return bytes
  }

  /// The whole file, which must have exactly `size` bytes.
  package func whole(size: Int) throws(ObjectStoreError) -> [UInt8] {
    // One more byte than wanted tells a file that grew.
    let range = 0..<size + 1
    let bytes: [UInt8]
    do throws(FileFailure) { bytes = try read(range) } catch { throw error.storeError }
    guard bytes.count == size else { throw .rejected("\(path) has not the \(size) bytes it should have") }
    return bytes
  }

  package func append(_ bytes: [UInt8]) throws(FileFailure) {
    let isDone = bytes.withUnsafeBytes { buffer in
      var start = 0
      while start < buffer.count {
        let written = write(descriptor, buffer.baseAddress?.advanced(by: start), buffer.count - start)
        if written > 0 { start += written } else if errno != EINTR { return false }
      }
      return true
    }
    guard isDone else { throw .last("write", path) }
  }

  /// Never called again on a file for which it failed: the kernel may have dropped the pages and would then report
  /// success.
  package func synchronize() throws(FileFailure) {
    guard fsync(descriptor) == 0 else { throw .last("fsync", path) }
  }

  package static func synchronizeFolder(_ path: String) throws(FileFailure) {
    try LocalFile(path: path, flags: O_RDONLY | O_DIRECTORY).synchronize()
  }
}
