// The replies on a client's connection, over the same scanner and decoder as the server's requests. Pure: bytes in,
// events out.

import HTTPModel
import HTTPTypes

package struct IncomingResponse: Sendable {
  package let status: Int
  package let fields: HTTPFields
  package let framing: BodyDecoder.Framing
  /// Whether the connection can carry another request once the body was read.
  package let isPersistent: Bool
}

package struct ResponseReader: Sendable {
  package enum Event: Sendable {
    /// 100 to 199: the reply proper is still to come.
    case interim(status: Int)
    case head(IncomingResponse)
    case body(Range<Int>)
    case end
  }

  private let maxHeadBytes: Int
  private let maxHeaders: Int
  private let isReplyToHead: Bool
  private var scanner: HeadScanner
  private var decoder: BodyDecoder?
  private var interimReplies = 0

  /// Interim replies before the reply proper; a peer that sends more is broken.
  package static let maxInterimReplies = 16

  /// `isReplyToHead`: the reply has no body, whatever its fields say.
  package init(isReplyToHead: Bool, maxHeadBytes: Int, maxHeaders: Int) {
    self.isReplyToHead = isReplyToHead
    self.maxHeadBytes = maxHeadBytes
    self.maxHeaders = maxHeaders
    scanner = HeadScanner(.response, maxBytes: maxHeadBytes, maxFields: maxHeaders)
  }

  package var hasSeenHead: Bool { decoder != nil }
  package var isUntouched: Bool { decoder == nil && scanner.isUntouched && interimReplies == 0 }

  /// As `RequestReader.next`.
  package mutating func next(_ input: UnsafeRawBufferPointer) throws(Refusal) -> (event: Event?, consumed: Int) {
    guard decoder != nil else { return try readHead(input) }
    guard let step = try decoder?.next(input) else { return (nil, 0) }
    if let payload = step.payload { return (.body(payload), step.consumed) }
    return (step.isEnd ? .end : nil, step.consumed)
  }

  /// The connection was closed by the peer: true where that is the proper end of the body, false where the reply is
  /// cut.
  package mutating func close() -> Bool { decoder?.endsWithClose ?? false }

  private mutating func readHead(_ input: UnsafeRawBufferPointer) throws(Refusal) -> (event: Event?, consumed: Int) {
    guard try scanner.scan(input) else { return (nil, 0) }
    let head = scanner
    scanner = HeadScanner(.response, maxBytes: maxHeadBytes, maxFields: maxHeaders)
    if head.statusCode < 200 {
      interimReplies += 1
      guard interimReplies <= Self.maxInterimReplies else { throw Refusal(malformed: "too many interim replies") }
      guard head.statusCode != 101 else { throw Refusal(malformed: "a switch of protocols that nobody asked for") }
      return (.interim(status: head.statusCode), head.scanned)
    }
    let response = try response(head, input)
    decoder = BodyDecoder(response.framing, maxTrailerBytes: maxHeadBytes, maxTrailers: maxHeaders)
    return (.head(response), head.scanned)
  }

  /// RFC 9112, 6.3.
  private func response(_ head: HeadScanner, _ input: UnsafeRawBufferPointer) throws(Refusal) -> IncomingResponse {
    try head.framing.checkLength(version: head.version)
    let framing: BodyDecoder.Framing
    if isReplyToHead || head.statusCode == 204 || head.statusCode == 304 {
      framing = .length(0)
    } else if head.framing.isChunked {
      framing = .chunked
    } else if let length = head.framing.contentLength {
      framing = .length(length)
    } else {
      framing = .untilClose
    }
    var fields = HTTPFields()
    for place in head.fields {
      let name = String(decoding: input[Int(place.nameStart)..<Int(place.nameEnd)], as: UTF8.self)
      let value = String(decoding: input[Int(place.valueStart)..<Int(place.valueEnd)], as: UTF8.self)
      guard let name = HTTPField.Name(name) else { continue }
      fields.append(HTTPField(name: name, value: value))
    }
    return IncomingResponse(
      status: head.statusCode, fields: fields, framing: framing,
      isPersistent: framing != .untilClose && head.framing.isPersistent(version: head.version))
  }
}
