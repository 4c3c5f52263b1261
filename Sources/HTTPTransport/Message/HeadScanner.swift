// Reads the head of one HTTP/1.1 message (RFC 9112), or the trailer section of a chunked one, byte by byte and only
// once: it remembers how far it came, so the result is the same however the bytes were split on their way. It never
// looks at a byte twice, allocates nothing but the list of fields, and refuses at the first byte that no valid head
// could have there.
//
//   request   = method SP target SP "HTTP/1." ("0" / "1") CRLF *( field CRLF ) CRLF
//   response  = "HTTP/1." ("0" / "1") SP 3DIGIT [ SP reason ] CRLF *( field CRLF ) CRLF
//   trailers  = *( field CRLF ) CRLF
//   field     = token ":" OWS *( HTAB / SP / VCHAR / obs-text ) OWS
//
// Invariant: `scanned <= input.count`; all places are counted from the first byte of the head.

import HTTPModel

package struct HeadScanner: Sendable {
  package enum Kind: Sendable {
    case request
    case response
    case trailers
  }

  enum State: UInt8, Sendable {
    case method
    case target
    case version
    case statusVersion
    case statusCode
    case reason
    case startLineFeed
    case fieldStart
    case fieldName
    case valueStart
    case value
    case fieldLineFeed
    case endLineFeed
    case ended
  }

  package let kind: Kind
  package let maxBytes: Int
  package let maxFields: Int

  /// Bytes of the input that were read. At the end of the head: its length.
  package internal(set) var scanned = 0
  package internal(set) var fields: [FieldPlace] = []
  package internal(set) var framing = FramingFields()

  package internal(set) var method = 0..<0
  package internal(set) var target = 0..<0
  package internal(set) var version = HTTPVersion.http11
  package internal(set) var statusCode = 0

  var state: State
  /// First byte of the element that is being read.
  var mark = 0
  var nameEnd = 0
  private var fieldCount = 0

  package init(_ kind: Kind, maxBytes: Int, maxFields: Int) {
    self.kind = kind
    self.maxBytes = maxBytes
    self.maxFields = maxFields
    switch kind {
    case .request: state = .method
    case .response: state = .statusVersion
    case .trailers: state = .fieldStart
    }
  }

  /// No byte of a head was read yet: what distinguishes an idle connection from one that is being sent to.
  package var isUntouched: Bool { scanned == 0 }

  /// Reads on. `input` holds the same bytes as before, and more behind them. True at the end of the head.
  package mutating func scan(_ input: UnsafeRawBufferPointer) throws(Refusal) -> Bool {
    let end = min(input.count, maxBytes)
    var index = scanned
    while index < end, state != .ended {
      switch state {
      case .method: try scanMethod(input, &index, end)
      case .target: try scanTarget(input, &index, end)
      case .version: try scanVersion(input, &index)
      case .statusVersion: try scanStatusVersion(input, &index)
      case .statusCode: try scanStatusCode(input, &index)
      case .reason: try scanReason(input, &index, end)
      case .startLineFeed: try scanLineFeed(input, &index, next: .fieldStart)
      case .fieldStart: try scanFieldStart(input, &index)
      case .fieldName: try scanFieldName(input, &index, end)
      case .valueStart: scanValueStart(input, &index, end)
      case .value: try scanValue(input, &index, end)
      case .fieldLineFeed:
        try scanLineFeed(input, &index, next: .fieldStart)
        try endField(input)
      case .endLineFeed: try scanLineFeed(input, &index, next: .ended)
      case .ended: break
      }
    }
    scanned = index
    if state == .ended { return true }
    if index >= maxBytes { throw tooLong }
    return false
  }

  private var tooLong: Refusal {
    switch state {
    case .method, .target, .version:
      Refusal(status: 414, reason: "The request line is longer than \(maxBytes) bytes")
    default:
      Refusal(status: 431, reason: "The head is longer than \(maxBytes) bytes")
    }
  }

  @inline(__always)
  private mutating func scanLineFeed(
    _ input: UnsafeRawBufferPointer, _ index: inout Int, next: State
  ) throws(Refusal) {
    guard input[index] == Byte.lineFeed else { throw Refusal(malformed: "a carriage return without a line feed") }
    index += 1
    state = next
  }

  // MARK: Fields

  private mutating func scanFieldStart(_ input: UnsafeRawBufferPointer, _ index: inout Int) throws(Refusal) {
    let byte = input[index]
    if byte == Byte.carriageReturn {
      index += 1
      state = .endLineFeed
      return
    }
    guard byte != Byte.space, byte != Byte.tab else { throw Refusal(malformed: "a folded field line") }
    guard byte.isTokenByte else { throw Refusal(malformed: "a field name that is not a token") }
    guard fieldCount < maxFields else {
      throw Refusal(status: 431, reason: "More than \(maxFields) fields")
    }
    mark = index
    state = .fieldName
  }

  private mutating func scanFieldName(
    _ input: UnsafeRawBufferPointer, _ index: inout Int, _ end: Int
  ) throws(Refusal) {
    while index < end, input[index].isTokenByte { index += 1 }
    guard index < end else { return }
    guard input[index] == Byte.colon else { throw Refusal(malformed: "a field name that is not a token") }
    nameEnd = index
    index += 1
    state = .valueStart
  }

  private mutating func scanValueStart(_ input: UnsafeRawBufferPointer, _ index: inout Int, _ end: Int) {
    while index < end, input[index] == Byte.space || input[index] == Byte.tab { index += 1 }
    guard index < end else { return }
    valueStart = index
    state = .value
  }

  private mutating func scanValue(_ input: UnsafeRawBufferPointer, _ index: inout Int, _ end: Int) throws(Refusal) {
    while index < end, input[index].isFieldValueByte { index += 1 }
    guard index < end else { return }
    guard input[index] == Byte.carriageReturn else {
      throw Refusal(malformed: "a control character in a field value")
    }
    valueEnd = index
    while valueEnd > valueStart, input[valueEnd - 1] == Byte.space || input[valueEnd - 1] == Byte.tab { valueEnd -= 1 }
    index += 1
    state = .fieldLineFeed
  }

  var valueStart = 0
  var valueEnd = 0

  private mutating func endField(_ input: UnsafeRawBufferPointer) throws(Refusal) {
    fieldCount += 1
    guard kind != .trailers else { return }
    if fields.isEmpty { fields.reserveCapacity(8) }
    fields.append(FieldPlace(name: mark..<nameEnd, value: valueStart..<valueEnd))
    try framing.note(
      name: UnsafeRawBufferPointer(rebasing: input[mark..<nameEnd]),
      value: UnsafeRawBufferPointer(rebasing: input[valueStart..<valueEnd]))
  }
}
