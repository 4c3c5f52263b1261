// The real disk, with operations that fail on command.

import Synchronization

@testable import EventStore

final class FaultyDisk: Disk {
  /// Given the operation (`create`, `write`, `sync`, `rename`, ...) and the path: true = fail now.
  typealias Fault = @Sendable (String, String) -> Bool

  private let base = PosixDisk()
  private let fault = Mutex<Fault?>(nil)

  func fail(_ fault: Fault?) { self.fault.withLock { $0 = fault } }

  fileprivate func check(_ operation: String, _ path: String) throws(DiskError) {
    if fault.withLock({ $0 })?(operation, path) == true {
      throw DiskError(operation: operation, path: path, code: 28, reason: "No space left on device")
    }
  }

  func create(_ path: String) throws(DiskError) -> any DiskFile {
    try check("create", path)
    return FaultyFile(base: try base.create(path), disk: self, path: path)
  }

  func open(_ path: String) throws(DiskError) -> any DiskFile {
    try check("open", path)
    return FaultyFile(base: try base.open(path), disk: self, path: path)
  }

  func openForWriting(_ path: String) throws(DiskError) -> any DiskFile {
    try check("openForWriting", path)
    return FaultyFile(base: try base.openForWriting(path), disk: self, path: path)
  }

  func rename(_ from: String, to: String) throws(DiskError) {
    try check("rename", from)
    try base.rename(from, to: to)
  }

  func remove(_ path: String) throws(DiskError) { try base.remove(path) }
  func makeFolder(_ path: String) throws(DiskError) { try base.makeFolder(path) }
  func removeFolder(_ path: String) throws(DiskError) { try base.removeFolder(path) }
  func list(_ path: String) throws(DiskError) -> [String] { try base.list(path) }
  func syncFolder(_ path: String) throws(DiskError) { try base.syncFolder(path) }
  func lock(_ path: String) throws(DiskError) -> (any DiskLock)? { try base.lock(path) }
}

private final class FaultyFile: DiskFile {
  private let base: any DiskFile
  private let disk: FaultyDisk
  private let path: String

  init(base: any DiskFile, disk: FaultyDisk, path: String) {
    self.base = base
    self.disk = disk
    self.path = path
  }

  func size() throws(DiskError) -> Int { try base.size() }
  func allocate(_ range: Range<Int>) throws(DiskError) { try base.allocate(range) }

  func write(_ bytes: UnsafeRawBufferPointer, at offset: Int) throws(DiskError) {
    try disk.check("write", path)
    try base.write(bytes, at: offset)
  }

  func read(_ range: Range<Int>) throws(DiskError) -> [UInt8] { try base.read(range) }
  func truncate(to size: Int) throws(DiskError) { try base.truncate(to: size) }

  func sync() throws(DiskError) {
    try disk.check("sync", path)
    try base.sync()
  }

  func close() { base.close() }
}
