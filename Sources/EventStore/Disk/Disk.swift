// The file system as the event store uses it. A protocol, because the crash simulator puts a disk of its own here that
// forgets unsynced bytes, fails and lies; the service uses `PosixDisk`. All calls block: never on a loop thread.

import Primitives

package protocol Disk: Sendable {
  /// Creates or truncates. The file's name is durable only after `syncFolder`.
  func create(_ path: String) throws(DiskError) -> any DiskFile
  func open(_ path: String) throws(DiskError) -> any DiskFile
  /// An existing file, with what is in it.
  func openForWriting(_ path: String) throws(DiskError) -> any DiskFile
  func rename(_ from: String, to: String) throws(DiskError)
  func remove(_ path: String) throws(DiskError)
  /// With its parents; the name of each new one is durable when this returns.
  func makeFolder(_ path: String) throws(DiskError)
  func removeFolder(_ path: String) throws(DiskError)
  /// Names in the folder, sorted; none where it does not exist.
  func list(_ path: String) throws(DiskError) -> [String]
  func syncFolder(_ path: String) throws(DiskError)
  /// Takes the lock file for the life of the returned object; nil where another process has it.
  func lock(_ path: String) throws(DiskError) -> (any DiskLock)?
}

package protocol DiskFile: Sendable {
  /// Bytes of the file.
  func size() throws(DiskError) -> Int
  /// Asks for room ahead of writes, which makes their sync cheaper. The file grows by zeros.
  func allocate(_ range: Range<Int>) throws(DiskError)
  func write(_ bytes: UnsafeRawBufferPointer, at offset: Int) throws(DiskError)
  /// What exists of the range.
  func read(_ range: Range<Int>) throws(DiskError) -> [UInt8]
  func truncate(to size: Int) throws(DiskError)
  /// fdatasync: written bytes and the size survive power loss. After an error the file must not be synced or written
  /// again.
  func sync() throws(DiskError)
  func close()
}

package protocol DiskLock: Sendable {
  func release()
}

package struct DiskError: Error, Sendable, Equatable, CustomStringConvertible {
  /// `write`, `fdatasync`, ...: bounded, a metric label.
  package var operation: String
  package var path: String
  /// errno
  package var code: Int32
  package var reason: String

  package init(operation: String, path: String, code: Int32, reason: String) {
    self.operation = operation
    self.path = path
    self.code = code
    self.reason = reason
  }

  package var description: String { "\(operation) \(path): \(reason)" }
}

extension Disk {
  /// Writes a whole file so that it is there complete after a crash, or not at all: temporary name, sync, rename, sync
  /// of the folder.
  func writeDurably(_ bytes: [UInt8], to path: String, in folder: String) throws(DiskError) {
    let temporary = path + ".tmp"
    let file = try create(temporary)
    defer { file.close() }
    try bytes.withRawBytes { bytes throws(DiskError) in try file.write(bytes, at: 0) }
    try file.sync()
    try rename(temporary, to: path)
    try syncFolder(folder)
  }

  func readWhole(_ path: String) throws(DiskError) -> [UInt8] {
    let file = try open(path)
    defer { file.close() }
    return try file.read(0..<(try file.size()))
  }
}
