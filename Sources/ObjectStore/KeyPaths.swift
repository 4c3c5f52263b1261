// Where the directory store keeps what. Below the root:
//
//     <segment>/<segment>/<segment>   the objects; each segment of a key is a name, escaped where it must be
//     .temporary/<16 hex>             objects being written; their writer holds an flock on them
//     .locks/<2 hex>                  lock files, one for each of 256 classes of keys; never deleted
//
// In a segment these bytes become %XX: `%`, control characters, and a dot at the start: so no object's name starts with
// a dot, and names that do are the store's own. An ordinary key is its own path, and tools read the objects in place.

import Primitives

struct KeyPaths: Sendable {
  static let temporaryName = ".temporary"
  static let locksName = ".locks"
  /// Longest name that Linux file systems take (NAME_MAX).
  static let maxNameBytes = 255

  /// Without a slash at the end.
  let root: String

  var temporaryFolder: String { "\(root)/\(Self.temporaryName)" }
  var locksFolder: String { "\(root)/\(Self.locksName)" }

  func temporaryFile(_ random: UInt64) -> String {
    let digits = String(random, radix: 16)
    return "\(temporaryFolder)/\(String(repeating: "0", count: 16 - digits.count))\(digits)"
  }

  /// Keys of one class share a lock: the number of lock files stays bounded.
  func lockFile(_ key: String) -> String {
    let digits = String(CRC32C.checksum(Array(key.utf8)) & 0xFF, radix: 16)
    return "\(locksFolder)/\(digits.count == 1 ? "0" : "")\(digits)"
  }

  /// The folders from the root down and the object's own path. Throws `.rejected` for an invalid key.
  func place(of key: String) throws(ObjectStoreError) -> (folders: [String], path: String) {
    try ObjectKey.check(key)
    var folders = [root]
    var path = root
    let segments = key.utf8.split(separator: UInt8(ascii: "/"))
    for (index, segment) in segments.enumerated() {
      let name = Self.name(of: Array(segment))
      guard name.utf8.count <= Self.maxNameBytes else {
        throw .rejected("a segment of '\(key)' is longer than \(Self.maxNameBytes) bytes")
      }
      path += "/" + name
      if index < segments.count - 1 { folders.append(path) }
    }
    return (folders, path)
  }

  static func name(of segment: [UInt8]) -> String {
    func mustEscape(_ byte: UInt8, first: Bool) -> Bool {
      byte == UInt8(ascii: "%") || byte < 0x20 || byte == 0x7F || first && byte == UInt8(ascii: ".")
    }
    var name: [UInt8] = []
    for (index, byte) in segment.enumerated() {
      if mustEscape(byte, first: index == 0) {
        name.append(UInt8(ascii: "%"))
        name.append(contentsOf: Hex.string([byte]).utf8)
      } else {
        name.append(byte)
      }
    }
    return String(decoding: name, as: UTF8.self)
  }

  /// The segment of which this is the name; nil for names that no segment has: the store's own and other people's
  /// files.
  static func segment(of name: String) -> [UInt8]? {
    guard let first = name.utf8.first, first != UInt8(ascii: ".") else { return nil }
    guard name.utf8.contains(UInt8(ascii: "%")) else { return Array(name.utf8) }
    var segment: [UInt8] = []
    var rest = name.utf8[...]
    while let byte = rest.popFirst() {
      guard byte == UInt8(ascii: "%") else {
        segment.append(byte)
        continue
      }
      guard rest.count >= 2, let decoded = Hex.decode(String(Substring(rest.prefix(2)))), decoded.count == 1 else {
        return nil
      }
      segment.append(decoded[0])
      rest = rest.dropFirst(2)
    }
    // Only the one form that `name(of:)` writes: else two names would be one key.
    return self.name(of: segment).utf8.elementsEqual(name.utf8) ? segment : nil
  }
}
