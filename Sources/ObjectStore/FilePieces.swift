// The bytes of a local file in order, for bodies that are too large to be held whole.

import Primitives
import Synchronization

#if canImport(Glibc)
  import Glibc
#endif

/// Read by one caller at a time, from the start to the end, on a blocking executor.
package final class FilePieces: Sendable {
  package static let pieceBytes = 256 * 1024

  /// The file is opened by the first read and closed with this object.
  private final class Opened: Sendable {
    let file: LocalFile

    init(path: String) throws(ObjectStoreError) { file = try LocalFile(reading: path) }
  }

  private let path: String
  private let size: Int
  private let executor: BlockingExecutor
  private let state = Mutex<(opened: Opened?, offset: Int)>((nil, 0))

  package init(path: String, size: Int, executor: BlockingExecutor) {
    self.path = path
    self.size = size
    self.executor = executor
  }

  /// The next piece, nil at the end. Throws `.rejected` where the file is not `size` bytes long any more.
  package func next() async throws(ObjectStoreError) -> [UInt8]? {
    let (opened, offset) = state.withLock { $0 }
    guard offset < size else { return nil }
    let end = min(offset + Self.pieceBytes, size)
    let (path, size) = (path, size)
    let (source, piece) = try await executor.run { () throws(ObjectStoreError) -> (Opened, [UInt8]) in
      let source: Opened
      if let opened { source = opened } else { source = try Opened(path: path) }
      // One more byte than wanted at the end tells a file that grew.
      let bytes = try asStore { () throws(FileFailure) in try source.file.read(offset..<(end == size ? end + 1 : end)) }
      guard bytes.count == end - offset else { throw .rejected("\(path) has not the \(size) bytes it should have") }
      return (source, bytes)
    }
    state.withLock { $0 = (source, end) }
    return piece
  }
}
