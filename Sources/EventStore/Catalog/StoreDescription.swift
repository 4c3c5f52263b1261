// `<prefix>/store.json`: what all nodes of one store share, created once by whichever comes first.
//
//   {"format":1,"salt":"<64 hex digits>"}

import ObjectStore
import Primitives

package struct StoreDescription: Sendable, Equatable {
  package static let format = 1
  /// 32 random bytes: makes ids of keyed events and cursors unpredictable for who does not know it.
  package var salt: [UInt8]

  func serialized() -> [UInt8] {
    JSONValue.object([("format", .number(String(Self.format))), ("salt", .string(Hex.string(salt)))]).serialized()
  }

  init(salt: [UInt8]) { self.salt = salt }

  init(parsing bytes: [UInt8]) throws(ObjectStoreError) {
    guard let value = try? JSONValue(parsing: bytes), let format = value["format"]?.intValue else {
      throw .misconfigured("store.json of the store is not readable: it is not a Callflow store")
    }
    guard format <= Self.format else {
      throw .misconfigured("the store has format \(format), this release reads \(Self.format): upgrade this node")
    }
    guard let salt = value["salt"]?.stringValue.flatMap(Hex.decode), salt.count == 32 else {
      throw .misconfigured("store.json of the store has no valid salt")
    }
    self.salt = salt
  }

  /// Reads it, or creates it where the store is new.
  static func load(from objects: any ObjectStore, random: any RandomSource) async throws(ObjectStoreError)
    -> StoreDescription
  {
    if let object = try await objects.get(ObjectName.storeDescription, range: nil) {
      return try StoreDescription(parsing: object.bytes)
    }
    var salt: [UInt8] = []
    for _ in 0..<4 { salt.appendLittle(random.next()) }
    let mine = StoreDescription(salt: salt)
    _ = try await objects.put(ObjectName.storeDescription, .bytes(mine.serialized()), if: .ifAbsent)
    // Whoever came first has won: what is there now is the store's, also where the condition was ignored.
    guard let object = try await objects.get(ObjectName.storeDescription, range: nil) else {
      throw .unavailable("store.json was written and is not there")
    }
    return try StoreDescription(parsing: object.bytes)
  }
}
