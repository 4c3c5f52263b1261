// The folder of journal, spool and keys: made where it is missing, and asked whether what is written there lasts.

import Glibc

package enum DataFolderCheck {
  /// File systems that go with the machine or the container (statfs(2)).
  private static let ephemeral: [(magic: UInt, name: String)] = [
    (0x0102_1994, "tmpfs"), (0x8584_58F6, "ramfs"), (0x794C_7630, "overlayfs"),
  ]

  /// The name of the file system where it does not last; nil where it does, or where the folder cannot be asked.
  package static func ephemeralFileSystem(of folder: String) -> String? {
    var status = statfs()
    guard statfs(folder, &status) == 0 else { return nil }
    let magic = UInt(bitPattern: Int(status.f_type)) & 0xFFFF_FFFF
    return ephemeral.first { $0.magic == magic }?.name
  }

  /// Bytes that this process may still write there; nil where the folder cannot be asked.
  package static func freeBytes(of folder: String) -> Double? {
    var status = statfs()
    guard statfs(folder, &status) == 0 else { return nil }
    return Double(status.f_bavail) * Double(status.f_bsize)
  }

  /// Makes the folder and those above it, 0750.
  package static func make(_ folder: String) throws(ServiceFailure) {
    var path = folder.hasPrefix("/") ? "/" : ""
    for name in folder.split(separator: "/") {
      path += path.isEmpty || path.hasSuffix("/") ? name : "/\(name)"
      guard mkdir(path, 0o750) == 0 || errno == EEXIST || errno == EISDIR else {
        throw .misconfigured("storage.data: \(folder) cannot be made: \(String(cString: strerror(errno)))")
      }
    }
    guard access(folder, W_OK | X_OK) == 0 else {
      throw .misconfigured("storage.data: \(folder) cannot be written: \(String(cString: strerror(errno)))")
    }
  }
}
