// What a key may be, and the one order of keys: that of their UTF-8 bytes. Swift's own comparison of strings is by
// Unicode canonical equivalence, which no object store knows; keys are therefore compared as bytes everywhere.

package enum ObjectKey {
  package static let maxBytes = 900

  /// Throws `.rejected` where the key breaks the rules of `ObjectStore`.
  package static func check(_ key: String) throws(ObjectStoreError) {
    guard !key.isEmpty, key.utf8.count <= maxBytes else {
      throw .rejected("a key must have 1 to \(maxBytes) bytes, this one has \(key.utf8.count)")
    }
    guard !key.utf8.contains(where: { $0 < 0x20 || $0 == 0x7F }) else {
      throw .rejected("a key must not contain control characters")
    }
    for segment in key.utf8.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false) {
      if segment.isEmpty || segment.elementsEqual(".".utf8) || segment.elementsEqual("..".utf8) {
        throw .rejected("a key must not contain empty, '.' or '..' segments: '\(key)'")
      }
    }
  }

  /// Throws `.rejected` for what is no page of a list.
  package static func check(limit: Int) throws(ObjectStoreError) {
    guard (1...1000).contains(limit) else { throw .rejected("a list's limit must be 1 to 1000, not \(limit)") }
  }

  /// The part of `range` that the object has; throws `.rejected` where that is nothing.
  package static func clamp(_ range: Range<Int>, size: Int, key: String) throws(ObjectStoreError) -> Range<Int> {
    guard !range.isEmpty, range.lowerBound >= 0, range.lowerBound < size else {
      throw .rejected("bytes \(range.lowerBound) to \(range.upperBound) of '\(key)' lie outside its \(size) bytes")
    }
    return range.lowerBound..<min(range.upperBound, size)
  }
}

extension [UInt8] {
  /// Whether these bytes come before `other` in the order of keys.
  package func isBefore(_ other: [UInt8]) -> Bool {
    withUnsafeBufferPointer { left in
      other.withUnsafeBufferPointer { right in
        let common = Swift.min(left.count, right.count)
        for index in 0..<common where left[index] != right[index] { return left[index] < right[index] }
        return left.count < right.count
      }
    }
  }
}
