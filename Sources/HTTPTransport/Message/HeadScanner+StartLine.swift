// The first line of a request or a response.

import HTTPModel

extension HeadScanner {
  /// The longest method that is read: longer than any that is registered (IANA HTTP Method Registry: 17).
  static let maxMethodBytes = 32

  mutating func scanMethod(_ input: UnsafeRawBufferPointer, _ index: inout Int, _ end: Int) throws(Refusal) {
    while index < end, input[index].isTokenByte {
      index += 1
      guard index - mark <= Self.maxMethodBytes else {
        throw Refusal(status: 501, reason: "The method is longer than \(Self.maxMethodBytes) bytes")
      }
    }
    guard index < end else { return }
    guard input[index] == Byte.space, index > mark else { throw Refusal(malformed: "a method that is not a token") }
    method = mark..<index
    // A CONNECT target is no path, and this is no proxy.
    if UnsafeRawBufferPointer(rebasing: input[mark..<index]).elementsEqual("CONNECT".utf8) {
      throw Refusal(malformed: "CONNECT to a server that is no proxy")
    }
    index += 1
    mark = index
    state = .target
  }

  mutating func scanTarget(_ input: UnsafeRawBufferPointer, _ index: inout Int, _ end: Int) throws(Refusal) {
    if index == mark {
      let first = input[index]
      guard first == Byte.slash || first == Byte.asterisk || first.isLetter else {
        throw Refusal(malformed: "a request target that is neither a path nor a URI")
      }
    }
    // RFC 9112, 3.2: a target has no fragment; bytes outside visible ASCII must come percent-encoded.
    while index < end, input[index] > Byte.space, input[index] < 0x7F, input[index] != Byte.numberSign { index += 1 }
    guard index < end else { return }
    guard input[index] == Byte.space else { throw Refusal(malformed: "a request target with an invalid character") }
    target = mark..<index
    let parts = UnsafeRawBufferPointer(rebasing: input[mark..<index])
    let isOptions = UnsafeRawBufferPointer(rebasing: input[method])
      .elementsEqual("OPTIONS".utf8)
    try RequestTarget.check(parts, isOptions: isOptions)
    index += 1
    mark = index
    state = .version
  }

  mutating func scanVersion(_ input: UnsafeRawBufferPointer, _ index: inout Int) throws(Refusal) {
    let byte = input[index]
    switch index - mark {
    case 0..<5:
      guard byte == Self.versionPrefix(index - mark) else { throw Refusal(malformed: "no HTTP version") }
    case 5, 7:
      guard byte.isDigit else { throw Refusal(malformed: "no HTTP version") }
      if index - mark == 7 { try setVersion(major: input[mark + 5], minor: byte) }
    case 6:
      guard byte == Byte.period else { throw Refusal(malformed: "no HTTP version") }
    default:
      guard byte == Byte.carriageReturn else { throw Refusal(malformed: "no line end after the HTTP version") }
      state = .startLineFeed
    }
    index += 1
  }

  mutating func scanStatusVersion(_ input: UnsafeRawBufferPointer, _ index: inout Int) throws(Refusal) {
    guard index == 8 else { return try scanVersion(input, &index) }
    guard input[index] == Byte.space else { throw Refusal(malformed: "no space after the HTTP version") }
    index += 1
    mark = index
    state = .statusCode
  }

  mutating func scanStatusCode(_ input: UnsafeRawBufferPointer, _ index: inout Int) throws(Refusal) {
    let byte = input[index]
    if index - mark < 3 {
      guard byte.isDigit else { throw Refusal(malformed: "a status that is not three digits") }
      statusCode = statusCode * 10 + Int(byte - Byte.zero)
      index += 1
      return
    }
    guard (100...599).contains(statusCode) else { throw Refusal(malformed: "a status outside 100 to 599") }
    // The space before an empty reason is left out by some servers.
    guard byte == Byte.space || byte == Byte.carriageReturn else {
      throw Refusal(malformed: "a status that is not three digits")
    }
    state = .reason
  }

  mutating func scanReason(_ input: UnsafeRawBufferPointer, _ index: inout Int, _ end: Int) throws(Refusal) {
    while index < end, input[index].isFieldValueByte { index += 1 }
    guard index < end else { return }
    guard input[index] == Byte.carriageReturn else { throw Refusal(malformed: "a control character in the reason") }
    index += 1
    state = .startLineFeed
  }

  private mutating func setVersion(major: UInt8, minor: UInt8) throws(Refusal) {
    switch (major, minor) {
    case (Byte.zero + 1, Byte.zero + 1): version = .http11
    case (Byte.zero + 1, Byte.zero): version = .http10
    default: throw Refusal(status: 505, reason: "Only HTTP/1.0 and HTTP/1.1 are spoken here")
    }
  }

  private static func versionPrefix(_ index: Int) -> UInt8 {
    switch index {
    case 0: 0x48  // H
    case 1, 2: 0x54  // T
    case 3: 0x50  // P
    default: Byte.slash
    }
  }
}
