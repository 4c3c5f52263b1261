// Looking at all fields in one pass over the head's bytes: for the few that every request is asked for, on the hot
// path.

extension FieldPlace {
  package var nameLength: Int { Int(nameEnd) - Int(nameStart) }
  package var value: Range<Int> { Int(valueStart)..<Int(valueEnd) }
}

extension RequestHead {
  /// Whether the field at `place` has this name. `name` must be lower case; ASCII case is ignored (RFC 9110, 5.1).
  package func name(at place: FieldPlace, is name: StaticString) -> Bool {
    guard name.utf8CodeUnitCount == place.nameLength else { return false }
    let start = Int(place.nameStart)
    let expected = UnsafeBufferPointer(start: name.utf8Start, count: name.utf8CodeUnitCount)
    return bytes.withUnsafeBufferPointer { bytes in
      for index in 0..<expected.count {
        let byte = bytes[start + index]
        let lower = byte &- 0x41 < 26 ? byte | 0x20 : byte
        if lower != expected[index] { return false }
      }
      return true
    }
  }

  /// Whether the bytes of `range` are exactly this text.
  package func bytes(in range: Range<Int>, are text: StaticString) -> Bool {
    guard text.utf8CodeUnitCount == range.count else { return false }
    let expected = UnsafeBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount)
    return bytes.withUnsafeBufferPointer { $0[range].elementsEqual(expected) }
  }
}
