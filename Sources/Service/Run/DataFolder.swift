// The folder of journal, spool and keys: made where it is missing, and asked whether what is written there lasts.

import Glibc

package enum DataFolderCheck {
  /// File systems that go with the machine or the container.
  private static let ephemeral: Set<String> = ["tmpfs", "ramfs", "overlay", "aufs"]

  /// The name of the file system where it does not last; nil where it does, or where the folder cannot be asked.
  package static func ephemeralFileSystem(of folder: String) -> String? {
    var status = stat()
    guard stat(folder, &status) == 0, let mounts = try? SmallFile.readText("/proc/self/mountinfo") else { return nil }
    return fileSystem(device: UInt64(status.st_dev), mounts: mounts).flatMap { ephemeral.contains($0) ? $0 : nil }
  }

  /// The type of the file system on `device` (st_dev) in the text of /proc/self/mountinfo: the third field of a line is
  /// major:minor, the first behind ` - ` the type (proc(5)).
  static func fileSystem(device: UInt64, mounts: String) -> String? {
    let major = device >> 8 & 0xFFF | device >> 32 & ~0xFFF
    let minor = device & 0xFF | device >> 12 & 0xFFFF_FF00
    for line in mounts.split(separator: "\n") {
      let fields = line.split(separator: " ")
      guard fields.count > 4, fields[2] == "\(major):\(minor)", let dash = fields.firstIndex(of: "-") else { continue }
      return fields.indices.contains(dash + 1) ? String(fields[dash + 1]) : nil
    }
    return nil
  }

  /// Bytes that this process may still write there; nil where the folder cannot be asked.
  package static func freeBytes(of folder: String) -> Double? {
    var status = statvfs()
    guard statvfs(folder, &status) == 0 else { return nil }
    return Double(status.f_bavail) * Double(status.f_frsize)
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
