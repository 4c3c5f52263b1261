// Objects in this process's memory, with the semantics of the real stores: versions, conditions, ordered lists. For
// tests and simulations; everything happens under one lock, so every operation is atomic.

import Primitives
import Synchronization

package final class InMemoryObjectStore: ObjectStore {
  private struct Entry {
    var key: [UInt8]
    var name: String
    var bytes: [UInt8]
    var version: Int
    var modified: Int64

    var info: ObjectInfo { ObjectInfo(key: name, size: bytes.count, etag: "\"v\(version)\"", modified: modified) }
  }

  private struct Objects {
    /// In ascending order of `key`.
    var entries: [Entry] = []
    var lastVersion = 0

    /// The place of the first entry whose key is not before `key`.
    func place(of key: [UInt8]) -> Int {
      var low = 0
      var high = entries.count
      while low < high {
        let middle = (low + high) / 2
        if entries[middle].key.isBefore(key) { low = middle + 1 } else { high = middle }
      }
      return low
    }

    func entry(_ key: [UInt8]) -> Entry? {
      let place = place(of: key)
      return place < entries.count && entries[place].key == key ? entries[place] : nil
    }
  }

  private let clock: any Clock
  private let objects = Mutex(Objects())

  package init(clock: any Clock = SystemClock()) { self.clock = clock }

  package func get(_ key: String, range: Range<Int>?) async throws(ObjectStoreError) -> StoredObject? {
    try ObjectKey.check(key)
    guard let entry = objects.withLock({ $0.entry(Array(key.utf8)) }) else { return nil }
    guard let range else { return StoredObject(bytes: entry.bytes, info: entry.info) }
    let existing = try ObjectKey.clamp(range, size: entry.bytes.count, key: key)
    return StoredObject(bytes: Array(entry.bytes[existing]), info: entry.info)
  }

  package func head(_ key: String) async throws(ObjectStoreError) -> ObjectInfo? {
    try ObjectKey.check(key)
    return objects.withLock { $0.entry(Array(key.utf8))?.info }
  }

  package func put(
    _ key: String, _ body: ObjectBody, if condition: PutCondition
  ) async throws(ObjectStoreError) -> PutOutcome {
    try ObjectKey.check(key)
    let bytes: [UInt8]
    switch body {
    case .bytes(let given): bytes = given
    case .file(let path, let size): bytes = try LocalFile(reading: path).whole(size: size)
    }
    let now = clock.wallNanoseconds()
    return objects.withLock { objects in
      let keyBytes = Array(key.utf8)
      let existing = objects.entry(keyBytes)
      switch condition {
      case .none: break
      case .ifAbsent: if existing != nil { return .conditionFailed }
      case .ifMatch(let etag): if existing?.info.etag != etag { return .conditionFailed }
      }
      objects.lastVersion += 1
      let entry = Entry(key: keyBytes, name: key, bytes: bytes, version: objects.lastVersion, modified: now)
      let place = objects.place(of: keyBytes)
      if existing == nil { objects.entries.insert(entry, at: place) } else { objects.entries[place] = entry }
      return .stored(etag: entry.info.etag)
    }
  }

  package func list(prefix: String, after: String?, limit: Int) async throws(ObjectStoreError) -> ObjectPage {
    try ObjectKey.check(limit: limit)
    let prefix = Array(prefix.utf8)
    let after = after.map { Array($0.utf8) }
    return objects.withLock { objects in
      var place = objects.place(of: prefix)
      if let after, prefix.isBefore(after) || prefix == after {
        place = objects.place(of: after)
        if place < objects.entries.count, objects.entries[place].key == after { place += 1 }
      }
      let matching = objects.entries[place...].prefix(limit + 1).prefix { $0.key.starts(with: prefix) }
      return ObjectPage(objects: matching.prefix(limit).map(\.info), isTruncated: matching.count > limit)
    }
  }

  package func delete(_ keys: [String]) async throws(ObjectStoreError) {
    for key in keys { try ObjectKey.check(key) }
    objects.withLock { objects in
      for key in keys {
        let bytes = Array(key.utf8)
        let place = objects.place(of: bytes)
        if place < objects.entries.count, objects.entries[place].key == bytes { objects.entries.remove(at: place) }
      }
    }
  }
}
