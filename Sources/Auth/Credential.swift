// Finding the credential in a request's head: `x-api-key`, `Authorization: Bearer`, or `Authorization: Basic` with the
// key as password (RFC 7617). Exactly one may be there; none in the query string, where proxies and browsers would log
// it.

import HTTPModel
import Primitives

enum PresentedCredential: Equatable {
  case none
  /// Place of the secret in the head's bytes.
  case secret(Range<Int>)
  /// The password of a Basic credential, decoded.
  case password([UInt8])
  /// A credential in a form that is not understood.
  case malformed
  case several
}

extension RequestHead {
  func presentedCredential() -> PresentedCredential {
    var found = PresentedCredential.none
    for place in fields {
      let isKey = place.nameLength == 9 && name(at: place, is: "x-api-key")
      guard isKey || (place.nameLength == 13 && name(at: place, is: "authorization")) else { continue }
      guard found == .none else { return .several }
      found = isKey ? .secret(place.value) : authorization(place.value)
    }
    return found
  }

  /// `credentials = auth-scheme 1*SP token68` (RFC 9110, 11.4); the scheme ignores case.
  private func authorization(_ value: Range<Int>) -> PresentedCredential {
    guard let space = bytes[value].firstIndex(of: 0x20) else { return .malformed }
    let start = bytes[space..<value.upperBound].firstIndex { $0 != 0x20 } ?? value.upperBound
    let token = start..<value.upperBound
    if isScheme(value.lowerBound..<space, "bearer") { return .secret(token) }
    if isScheme(value.lowerBound..<space, "basic") { return basic(token) }
    return .malformed
  }

  private func isScheme(_ range: Range<Int>, _ scheme: StaticString) -> Bool {
    range.count == scheme.utf8CodeUnitCount
      && zip(bytes[range], UnsafeBufferPointer(start: scheme.utf8Start, count: range.count))
        .allSatisfy { ($0 &- 0x41 < 26 ? $0 | 0x20 : $0) == $1 }
  }

  /// The user name, up to the first colon, is free: the key says who it is.
  private func basic(_ token: Range<Int>) -> PresentedCredential {
    guard let pair = Base64.decode(String(decoding: bytes[token], as: UTF8.self)),
      let colon = pair.firstIndex(of: UInt8(ascii: ":"))
    else { return .malformed }
    return .password(Array(pair[(colon + 1)...]))
  }

  /// Name of the query parameter that carries a credential; nil where there is none.
  func credentialInQuery() -> String? {
    guard let query else { return nil }
    for pair in bytes[query].split(separator: UInt8(ascii: "&")) {
      let parts = pair.split(separator: UInt8(ascii: "="), maxSplits: 1, omittingEmptySubsequences: false)
      let name = String(decoding: parts[0], as: UTF8.self)
      let isSecret = parts.count == 2 && parts[1].starts(with: KeySecret.prefix.utf8)
      if isSecret || Self.credentialParameters.contains(name.lowercased()) { return name }
    }
    return nil
  }

  private static let credentialParameters: Set<String> = [
    "access_token", "api_key", "api-key", "apikey", "authorization", "x-api-key",
  ]
}
