// All names of files and objects, made and read in one file (CONTRACT 4).

import Primitives

/// One journal file and the segment made of it, wherever they are: two objects with equal identities are one segment.
struct FileIdentity: Sendable, Hashable, Comparable {
  /// 40 random bits: one process's life.
  var writer: UInt64
  /// 40 bits, counted up in the writer's folder.
  var number: UInt64

  static func < (left: FileIdentity, right: FileIdentity) -> Bool {
    (left.writer, left.number) < (right.writer, right.number)
  }
}

/// The data folder.
struct DataFolder: Sendable {
  let path: String

  var parent: String { path + "/.." }
  var journal: String { path + "/journal" }
  var spool: String { path + "/spool" }
  var quarantine: String { path + "/quarantine" }
  var storeDescription: String { path + "/store.json" }

  func journal(writer: UInt64) -> String { journal + "/" + WriterName.text(writer) }
  func spool(writer: UInt64) -> String { spool + "/" + WriterName.text(writer) }
  func lock(writer: UInt64) -> String { journal(writer: writer) + "/lock" }
  func journal(_ file: FileIdentity) -> String { journal(writer: file.writer) + "/" + Self.number(file) + ".journal" }
  func segment(_ file: FileIdentity) -> String { spool(writer: file.writer) + "/" + Self.number(file) + ".ndjson.zst" }

  /// The number in a file's name, where it is one of those above.
  static func number(of name: String, suffix: String) -> UInt64? {
    guard name.hasSuffix(suffix) else { return nil }
    let digits = name.dropLast(suffix.count)
    guard digits.count == 13, digits.utf8.allSatisfy({ (0x30...0x39).contains($0) }) else { return nil }
    return UInt64(digits)
  }

  private static func number(_ file: FileIdentity) -> String {
    let digits = String(file.number)
    return String(repeating: "0", count: max(0, 13 - digits.count)) + digits
  }
}

enum WriterName {
  static let mask: UInt64 = (1 << 40) - 1

  static func text(_ writer: UInt64) -> String {
    let digits = String(writer, radix: 16)
    return String(repeating: "0", count: 10 - digits.count) + digits
  }

  static func parse(_ text: String) -> UInt64? {
    guard text.utf8.count == 10, text.utf8.allSatisfy({ (0x30...0x39).contains($0) || (0x61...0x66).contains($0) })
    else {
      return nil
    }
    return UInt64(text, radix: 16)
  }
}

enum ObjectName {
  static let storeDescription = "store.json"
  static let inbox = "inbox/"

  /// `inbox/<ulid>-<minTs>-<maxTs>-<count>.ndjson.zst`, times in UTC milliseconds rounded outward.
  static func inbox(_ name: SegmentName) -> String { inbox + name.text }

  /// First key of the inbox whose upload began at `milliseconds` or later, for `list(after:)`.
  static func inbox(from milliseconds: Int64) -> String {
    inbox + ULID(milliseconds: max(0, milliseconds), writer: 0, number: 0).description
  }
}

/// What a segment object's name says.
struct SegmentName: Sendable, Hashable {
  /// Time of the first PUT try, and the identity.
  var ulid: ULID
  /// Lowest instant, rounded down, and highest, rounded up: UTC milliseconds.
  var minMilliseconds: Int64
  var maxMilliseconds: Int64
  var count: Int

  static let suffix = ".ndjson.zst"

  var identity: FileIdentity { FileIdentity(writer: ulid.writer, number: ulid.number) }

  var text: String { "\(ulid)-\(minMilliseconds)-\(maxMilliseconds)-\(count)\(Self.suffix)" }

  init(ulid: ULID, minInstant: Int64, maxInstant: Int64, count: Int) {
    self.ulid = ulid
    minMilliseconds = minInstant / 1_000_000
    maxMilliseconds = (maxInstant + 999_999) / 1_000_000
    self.count = count
  }

  init?(_ text: some StringProtocol) {
    guard text.hasSuffix(Self.suffix) else { return nil }
    let parts = text.dropLast(Self.suffix.count).split(separator: "-", omittingEmptySubsequences: false)
    guard parts.count == 4, let ulid = ULID(String(parts[0])), let low = Int64(parts[1]), let high = Int64(parts[2]),
      let count = Int(parts[3]), EventKey.milliseconds.contains(low), EventKey.milliseconds.contains(high), low <= high,
      count > 0
    else { return nil }
    self.ulid = ulid
    minMilliseconds = low
    maxMilliseconds = high
    self.count = count
  }
}
