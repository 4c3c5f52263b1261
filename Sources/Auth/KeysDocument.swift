// keys.json: every API key of a deployment, as pure values. The same bytes lie in `auth.keys_file` or in the bucket.
//
//   {"version":1,"keys":[
//     {"name":"ci","sha256":"<64 hex digits>","scopes":["events:write"],"createdAt":"2026-11-21T06:45:00.000Z",
//      "expiresAt":"...","revokedAt":"...","callIdPrefix":"...","networks":["10.0.0.0/8"],"rate":100,"burst":200},
//      ...]}
//
// The first four members of a key are required. `revokedAt` makes the record a tombstone. Members that this release
// does not know are kept when it rewrites the document; a higher `version` is refused, because its rules are unknown.

import Primitives

package enum KeysDocumentError: Error, Sendable, Equatable {
  /// Written by a newer release.
  case unsupportedVersion(Int)
  /// Not the format drawn above, with what is wrong.
  case malformed(String)
  case invalidName(String)
  /// An active key has this name.
  case nameTaken(String)
  /// No active key has this name.
  case noSuchKey(String)
  /// `maxActiveKeys` are in use.
  case full(limit: Int)

  package var message: String {
    switch self {
    case .unsupportedVersion(let version):
      "keys.json has format version \(version); this release reads \(KeysDocument.version)"
    case .malformed(let reason): "keys.json is damaged: \(reason)"
    case .invalidName(let name): "\(name.debugDescription) is not a key name: 1 to 64 of A-Z a-z 0-9 . _ -"
    case .nameTaken(let name): "a key named \(name) exists; revoke it first or choose another name"
    case .noSuchKey(let name): "there is no active key named \(name)"
    case .full(let limit): "\(limit) keys exist; revoke some first"
    }
  }
}

package struct KeysDocument: Sendable, Equatable {
  package static let version = 1
  package static let maxActiveKeys = 10_000
  /// Oldest tombstones beyond this number are dropped when a key is revoked: those keys turn from REVOKED to
  /// UNKNOWN_KEY.
  package static let maxTombstones = 10_000

  /// In the order in which they were made.
  package private(set) var keys: [APIKey] = []
  private var otherMembers = JSONValue.object([])

  package init() {}

  package init(parsing bytes: [UInt8]) throws(KeysDocumentError) {
    let tree: JSONValue
    do { tree = try JSONValue(parsing: bytes) } catch { throw .malformed("\(error.reason) at byte \(error.offset)") }
    guard case .object(let members) = tree else { throw .malformed("not an object") }
    guard let version = tree["version"]?.intValue else { throw .malformed("no version") }
    guard version == Self.version else { throw .unsupportedVersion(version) }
    guard let list = tree["keys"]?.arrayValue else { throw .malformed("no list of keys") }
    for (index, record) in list.enumerated() {
      do { keys.append(try KeyRecord.parse(record)) } catch { throw .malformed("key \(index): \(error.reason)") }
    }
    otherMembers = .object(members.filter { $0.0 != "version" && $0.0 != "keys" })
    try checkUniqueness()
  }

  private func checkUniqueness() throws(KeysDocumentError) {
    var digests = Set<KeyDigest>()
    var names = Set<String>()
    for key in keys {
      guard digests.insert(key.digest).inserted else { throw .malformed("two keys have one hash: \(key.name)") }
      guard key.revokedAt != nil || names.insert(key.name).inserted else {
        throw .malformed("two active keys have one name: \(key.name)")
      }
    }
  }

  package func serialized() -> [UInt8] {
    var members: [(String, JSONValue)] = [
      ("version", .number(String(Self.version))), ("keys", .array(keys.map(KeyRecord.value))),
    ]
    if case .object(let others) = otherMembers { members += others }
    return JSONValue.object(members).serialized() + [0x0A]
  }

  package func activeKey(named name: String) -> APIKey? { keys.first { $0.name == name && $0.revokedAt == nil } }

  package mutating func add(_ key: APIKey) throws(KeysDocumentError) {
    guard APIKey.isValidName(key.name) else { throw .invalidName(key.name) }
    guard activeKey(named: key.name) == nil else { throw .nameTaken(key.name) }
    guard keys.count(where: { $0.revokedAt == nil }) < Self.maxActiveKeys else {
      throw .full(limit: Self.maxActiveKeys)
    }
    guard !keys.contains(where: { $0.digest == key.digest }) else { throw .malformed("the hash is in use") }
    keys.append(key)
  }

  /// Turns the active key of that name into a tombstone.
  package mutating func revoke(_ name: String, at now: Int64) throws(KeysDocumentError) {
    guard let index = keys.firstIndex(where: { $0.name == name && $0.revokedAt == nil }) else { throw .noSuchKey(name) }
    keys[index].revokedAt = now
    var surplus = keys.count(where: { $0.revokedAt != nil }) - Self.maxTombstones
    keys.removeAll { key in
      guard surplus > 0, key.revokedAt != nil else { return false }
      surplus -= 1
      return true
    }
  }
}

/// One key as a JSON object.
private enum KeyRecord {
  struct Malformed: Error { let reason: String }

  private static let known: Set<String> = [
    "name", "sha256", "scopes", "createdAt", "expiresAt", "revokedAt", "callIdPrefix", "networks", "rate", "burst",
  ]

  static func parse(_ record: JSONValue) throws(Malformed) -> APIKey {
    guard case .object(let members) = record else { throw Malformed(reason: "not an object") }
    guard let name = record["name"]?.stringValue, APIKey.isValidName(name) else { throw Malformed(reason: "bad name") }
    guard let hex = record["sha256"]?.stringValue, let bytes = Hex.decode(hex), let digest = KeyDigest(bytes: bytes)
    else {
      throw Malformed(reason: "bad sha256")
    }
    guard let names = strings(record["scopes"]), let scopes = Scope(names: names) else {
      throw Malformed(reason: "bad scopes")
    }
    guard let createdAt = try time(record, "createdAt") else { throw Malformed(reason: "no createdAt") }
    var key = APIKey(name: name, digest: digest, scopes: scopes, createdAt: createdAt)
    key.expiresAt = try time(record, "expiresAt")
    key.revokedAt = try time(record, "revokedAt")
    if let prefix = record["callIdPrefix"] {
      guard let text = prefix.stringValue else { throw Malformed(reason: "bad callIdPrefix") }
      key.callIdPrefix = text
    }
    if let networks = record["networks"] {
      guard let list = strings(networks) else { throw Malformed(reason: "bad networks") }
      key.networks = list
    }
    key.rate = try positive(record, "rate")
    key.burst = try positive(record, "burst")
    key.otherMembers = .object(members.filter { !known.contains($0.0) })
    return key
  }

  static func value(_ key: APIKey) -> JSONValue {
    var members: [(String, JSONValue)] = [
      ("name", .string(key.name)), ("sha256", .string(Hex.string(key.digest.bytes))),
      ("scopes", .array(key.scopes.names.map(JSONValue.string))), ("createdAt", timeValue(key.createdAt)),
    ]
    if let time = key.expiresAt { members.append(("expiresAt", timeValue(time))) }
    if let time = key.revokedAt { members.append(("revokedAt", timeValue(time))) }
    if let prefix = key.callIdPrefix { members.append(("callIdPrefix", .string(prefix))) }
    if !key.networks.isEmpty { members.append(("networks", .array(key.networks.map(JSONValue.string)))) }
    if let rate = key.rate { members.append(("rate", .number(String(rate)))) }
    if let burst = key.burst { members.append(("burst", .number(String(burst)))) }
    if case .object(let others) = key.otherMembers { members += others }
    return .object(members)
  }

  private static func strings(_ value: JSONValue?) -> [String]? {
    guard let list = value?.arrayValue else { return nil }
    let texts = list.compactMap(\.stringValue)
    return texts.count == list.count ? texts : nil
  }

  private static func time(_ record: JSONValue, _ member: String) throws(Malformed) -> Int64? {
    guard let value = record[member] else { return nil }
    guard let text = value.stringValue, let time = RFC3339.parse(text) else { throw Malformed(reason: "bad \(member)") }
    return time
  }

  private static func timeValue(_ nanoseconds: Int64) -> JSONValue {
    .string(RFC3339.string(nanoseconds, fractionDigits: 3))
  }

  private static func positive(_ record: JSONValue, _ member: String) throws(Malformed) -> Int? {
    guard let value = record[member] else { return nil }
    guard let number = value.intValue, number > 0 else { throw Malformed(reason: "bad \(member)") }
    return number
  }
}
