// The four forms of a request target (RFC 9112, 3.2) and what of them is path and query.

import HTTPModel

enum RequestTarget {
  struct Parts: Equatable {
    var path: Range<Int>
    var query: Range<Int>?
    /// Only of the absolute form.
    var authority: Range<Int>?
  }

  /// Refuses a target of no valid form: known as soon as the target is whole, before the rest of the head has come.
  static func check(_ target: UnsafeRawBufferPointer, isOptions: Bool) throws(Refusal) {
    switch target.first {
    case Byte.slash:
      return
    case Byte.asterisk:
      guard target.count == 1, isOptions else { throw Refusal(malformed: "the target * without OPTIONS") }
    default:
      guard let authority = authorityStart(target) else {
        throw Refusal(malformed: "a request target that is neither a path nor an http URI")
      }
      let end = authorityEnd(target, from: authority)
      guard end > authority else { throw Refusal(malformed: "a URI without a host") }
      let host = UnsafeRawBufferPointer(rebasing: target[authority..<end])
      guard HostField.isValid(host) else { throw Refusal(malformed: "a URI with an invalid host") }
    }
  }

  /// Splits a target that passed `check`; places count from its first byte.
  static func split(_ target: UnsafeRawBufferPointer) -> Parts {
    guard target.first != Byte.slash, let authority = authorityStart(target) else {
      return cut(target, from: 0, authority: nil)
    }
    let end = authorityEnd(target, from: authority)
    var parts = cut(target, from: end, authority: authority..<end)
    // An absent path means "/" (RFC 9110, 4.2.3), and the last slash of "http://" is one that is there to be pointed
    // at.
    if parts.path.isEmpty { parts.path = authority - 1..<authority }
    return parts
  }

  private static func cut(_ target: UnsafeRawBufferPointer, from start: Int, authority: Range<Int>?) -> Parts {
    var index = start
    while index < target.count, target[index] != Byte.questionMark { index += 1 }
    let query = index < target.count ? index + 1..<target.count : nil
    return Parts(path: start..<index, query: query, authority: authority)
  }

  private static func authorityStart(_ target: UnsafeRawBufferPointer) -> Int? {
    for scheme in ["http://", "https://"] as [StaticString] {
      let count = scheme.utf8CodeUnitCount
      guard target.count >= count else { continue }
      let prefix = UnsafeRawBufferPointer(rebasing: target[..<count])
      if prefix.equalsIgnoringCase(scheme) { return count }
    }
    return nil
  }

  private static func authorityEnd(_ target: UnsafeRawBufferPointer, from start: Int) -> Int {
    var index = start
    while index < target.count, target[index] != Byte.slash, target[index] != Byte.questionMark { index += 1 }
    return index
  }
}

enum HostField {
  /// `uri-host [":" port]` (RFC 9110, 7.2): the characters of a registered name or an IP literal and a decimal port.
  /// No user information.
  static func isValid(_ value: UnsafeRawBufferPointer) -> Bool {
    var index = 0
    if value.first == Byte.openBracket {
      index = 1
      while index < value.count, value[index].isHexDigit || value[index] == Byte.colon || value[index] == Byte.period {
        index += 1
      }
      guard index > 1, index < value.count, value[index] == Byte.closeBracket else { return false }
      index += 1
    } else {
      while index < value.count, value[index].isRegisteredNameByte { index += 1 }
    }
    guard index < value.count else { return true }
    guard value[index] == Byte.colon else { return false }
    return value[(index + 1)...].allSatisfy(\.isDigit)
  }
}
