// A connection's requests, one after the other: heads by `HeadScanner`, bodies by `BodyDecoder`. Pure: bytes in,
// events out.

import HTTPModel
import HTTPTypes

/// A request's head with what it says about its body and the connection.
package struct IncomingRequest: Sendable {
  package let head: RequestHead
  package let framing: BodyDecoder.Framing
  package let expectsContinue: Bool
  /// Whether the client lets the connection live on after the reply.
  package let isPersistent: Bool
}

package struct RequestReader: Sendable {
  package enum Event: Sendable {
    case head(IncomingRequest)
    /// Places of payload in the input.
    case body(Range<Int>)
    case end
  }

  private let maxHeadBytes: Int
  private let maxHeaders: Int
  private var scanner: HeadScanner
  /// The decoder of the body that is being read; nil between requests.
  private var decoder: BodyDecoder?
  private var emptyLines = 0

  private static let maxEmptyLines = 4

  package init(maxHeadBytes: Int, maxHeaders: Int) {
    self.maxHeadBytes = maxHeadBytes
    self.maxHeaders = maxHeaders
    scanner = HeadScanner(.request, maxBytes: maxHeadBytes, maxFields: maxHeaders)
  }

  /// No byte of the next request was seen.
  package var isBetweenRequests: Bool { decoder == nil && scanner.isUntouched }

  package var isInBody: Bool { decoder != nil }

  /// Bytes of the body that must still come; nil where that is not known.
  package var remainingLength: Int? { decoder?.remainingLength }

  /// The next event in `input`, which starts behind what was consumed before, and how many bytes of it are done with.
  /// An event of nil asks for more input. `.end` follows every head, at once where there is no body.
  package mutating func next(_ input: UnsafeRawBufferPointer) throws(Refusal) -> (event: Event?, consumed: Int) {
    guard decoder != nil else { return try readHead(input) }
    // Worked on in place: the decoder is too large to be copied for every piece.
    guard let step = try decoder?.next(input) else { return (nil, 0) }
    if let payload = step.payload { return (.body(payload), step.consumed) }
    if step.isEnd {
      decoder = nil
      return (.end, step.consumed)
    }
    return (nil, step.consumed)
  }

  /// Ends a body framed by length whose remaining bytes the caller used in place.
  package mutating func skipWholeBody() { decoder = nil }

  private mutating func readHead(_ input: UnsafeRawBufferPointer) throws(Refusal) -> (event: Event?, consumed: Int) {
    let skipped = scanner.isUntouched ? try skipEmptyLines(input) : 0
    let rest = UnsafeRawBufferPointer(rebasing: input[skipped...])
    // A carriage return that may begin one more empty line waits for the byte behind it.
    if scanner.isUntouched, rest.first == Byte.carriageReturn { return (nil, skipped) }
    guard try scanner.scan(rest) else { return (nil, skipped) }
    let length = scanner.scanned
    let request = try Self.request(scanner, UnsafeRawBufferPointer(rebasing: rest[..<length]))
    decoder = BodyDecoder(request.framing, maxTrailerBytes: maxHeadBytes, maxTrailers: maxHeaders)
    scanner = HeadScanner(.request, maxBytes: maxHeadBytes, maxFields: maxHeaders)
    emptyLines = 0
    return (.head(request), skipped + length)
  }

  /// RFC 9112, 2.2: empty lines before a request line are tolerated, as some clients end a body with one; a few of
  /// them.
  private mutating func skipEmptyLines(_ input: UnsafeRawBufferPointer) throws(Refusal) -> Int {
    var index = 0
    while index + 1 < input.count, input[index] == Byte.carriageReturn {
      guard input[index + 1] == Byte.lineFeed else { throw Refusal(malformed: "a carriage return without a line feed") }
      emptyLines += 1
      guard emptyLines <= Self.maxEmptyLines else { throw Refusal(malformed: "too many empty lines") }
      index += 2
    }
    return index
  }

  private static func request(
    _ scanner: HeadScanner, _ bytes: UnsafeRawBufferPointer
  ) throws(Refusal) -> IncomingRequest {
    let framing = scanner.framing
    try framing.checkLength(version: scanner.version)
    guard framing.hasHost || scanner.version == .http10 else { throw Refusal(malformed: "no Host field") }
    let target = scanner.target
    let parts = RequestTarget.split(UnsafeRawBufferPointer(rebasing: bytes[target]))
    let head = RequestHead(
      bytes: [UInt8](bytes), method: try MethodTable.method(UnsafeRawBufferPointer(rebasing: bytes[scanner.method])),
      path: parts.path.shifted(by: target.lowerBound), query: parts.query?.shifted(by: target.lowerBound),
      version: scanner.version, fields: scanner.fields)
    if let authority = parts.authority?.shifted(by: target.lowerBound) { try checkHost(head, authority: authority) }
    return IncomingRequest(
      head: head, framing: framing.isChunked ? .chunked : .length(framing.contentLength ?? 0),
      expectsContinue: framing.expectsContinue && scanner.version == .http11,
      isPersistent: framing.isPersistent(version: scanner.version))
  }

  /// RFC 9112, 3.2: the Host field of a request for a URI names that URI's authority; two names for one request are
  /// refused.
  private static func checkHost(_ head: RequestHead, authority: Range<Int>) throws(Refusal) {
    let agrees = head.bytes.withUnsafeBytes { bytes in
      let host = head.fields.first { place in
        UnsafeRawBufferPointer(rebasing: bytes[Int(place.nameStart)..<Int(place.nameEnd)]).equalsIgnoringCase("host")
      }
      guard let host else { return true }
      let value = UnsafeRawBufferPointer(rebasing: bytes[Int(host.valueStart)..<Int(host.valueEnd)])
      return value.equalsIgnoringCase(UnsafeRawBufferPointer(rebasing: bytes[authority]))
    }
    guard agrees else { throw Refusal(malformed: "a Host field that differs from the request target") }
  }
}

enum MethodTable {
  private static let known: [(name: StaticString, method: HTTPRequest.Method)] = [
    ("POST", .post), ("GET", .get), ("HEAD", .head), ("PUT", .put), ("DELETE", .delete), ("OPTIONS", .options),
    ("PATCH", .patch),
  ]

  /// The method of a token; registered ones without an allocation. Methods are case-sensitive (RFC 9110, 9.1).
  static func method(_ token: UnsafeRawBufferPointer) throws(Refusal) -> HTTPRequest.Method {
    for entry in known where entry.name.utf8CodeUnitCount == token.count {
      let name = UnsafeRawBufferPointer(start: entry.name.utf8Start, count: token.count)
      if name.elementsEqual(token) { return entry.method }
    }
    guard let method = HTTPRequest.Method(rawValue: String(decoding: token, as: UTF8.self)) else {
      throw Refusal(malformed: "a method that is not a token")
    }
    return method
  }
}

extension Range<Int> {
  func shifted(by offset: Int) -> Range<Int> { lowerBound + offset..<upperBound + offset }
}
