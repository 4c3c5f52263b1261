// Finds the body's bytes in the input: framed by length, chunked (RFC 9112, 7.1), or up to the close of a reply's
// connection. It keeps no bytes: it says which of the input are payload and how many are done with. Like the head it
// reads byte by byte, so the payload is the same however the input was split.
//
//   chunk     = 1*HEXDIG [ ";" *( HTAB / SP / VCHAR / obs-text ) ] CRLF payload CRLF
//   last      = 1*"0" [ ";" ... ] CRLF trailers
//
// Extensions are read over within a bound (they carry nothing that is used here), trailers are checked and dropped.

import HTTPModel

package struct BodyDecoder: Sendable {
  package enum Framing: Sendable, Equatable {
    case length(Int)
    case chunked
    case untilClose
  }

  package struct Step: Sendable, Equatable {
    /// Places in the input.
    package var payload: Range<Int>?
    /// Bytes at the input's start that are done with, the payload included.
    package var consumed: Int
    package var isEnd: Bool
  }

  private enum State: Sendable {
    case length
    case untilClose
    case sizeStart
    case size
    case chunkExtension
    case sizeLineFeed
    case payload
    case payloadReturn
    case payloadLineFeed
    case trailers
    case ended
  }

  /// Bytes of the extensions of one chunk, and of all chunks of a body: what a sender can make us read for nothing.
  package static let maxExtensionBytes = 256
  package static let maxExtensionBytesTotal = 16 * 1024
  private static let maxSizeDigits = 16

  private var state: State
  private var left = 0
  private var digits = 0
  private var extensionBytes = 0
  private var extensionBytesTotal = 0
  private var trailers: HeadScanner

  /// `maxTrailerBytes` and `maxTrailers` bound the trailer section.
  package init(_ framing: Framing, maxTrailerBytes: Int, maxTrailers: Int) {
    trailers = HeadScanner(.trailers, maxBytes: maxTrailerBytes, maxFields: maxTrailers)
    switch framing {
    case .length(let length):
      left = length
      state = length == 0 ? .ended : .length
    case .chunked: state = .sizeStart
    case .untilClose: state = .untilClose
    }
  }

  package var isEnded: Bool { state == .ended }

  /// Bytes that must still come; nil where that is not known.
  package var remainingLength: Int? {
    switch state {
    case .ended: 0
    case .length: left
    default: nil
    }
  }

  /// Whether the close of the connection is this body's proper end.
  package var endsWithClose: Bool { state == .untilClose }

  /// The next step in `input`, which starts behind what was consumed before. A step that consumes nothing waits for
  /// more input.
  package mutating func next(_ input: UnsafeRawBufferPointer) throws(Refusal) -> Step {
    switch state {
    case .length:
      let count = min(left, input.count)
      left -= count
      if left == 0 { state = .ended }
      return Step(payload: count > 0 ? 0..<count : nil, consumed: count, isEnd: left == 0)
    case .untilClose:
      return Step(payload: input.isEmpty ? nil : 0..<input.count, consumed: input.count, isEnd: false)
    case .ended:
      return Step(payload: nil, consumed: 0, isEnd: true)
    default:
      return try nextChunked(input)
    }
  }

  private mutating func nextChunked(_ input: UnsafeRawBufferPointer) throws(Refusal) -> Step {
    var index = 0
    while index < input.count {
      if state == .payload {
        let count = min(left, input.count - index)
        left -= count
        if left == 0 { state = .payloadReturn }
        return Step(payload: index..<index + count, consumed: index + count, isEnd: false)
      }
      if state == .trailers {
        // The section is kept in the input until it is whole: the scanner counts from its first byte.
        let isWhole = try trailers.scan(UnsafeRawBufferPointer(rebasing: input[index...]))
        if isWhole {
          index += trailers.scanned
          state = .ended
        }
        return Step(payload: nil, consumed: index, isEnd: isWhole)
      }
      try readFraming(input[index])
      index += 1
    }
    return Step(payload: nil, consumed: index, isEnd: false)
  }

  private mutating func readFraming(_ byte: UInt8) throws(Refusal) {
    switch state {
    case .sizeStart, .size: try readSize(byte)
    case .chunkExtension:
      if byte == Byte.carriageReturn {
        state = .sizeLineFeed
      } else {
        try readExtension(byte)
      }
    case .sizeLineFeed:
      guard byte == Byte.lineFeed else { throw Refusal(malformed: "no line end after a chunk size") }
      extensionBytes = 0
      digits = 0
      state = left == 0 ? .trailers : .payload
    case .payloadReturn:
      guard byte == Byte.carriageReturn else { throw Refusal(malformed: "no line end after a chunk") }
      state = .payloadLineFeed
    case .payloadLineFeed:
      guard byte == Byte.lineFeed else { throw Refusal(malformed: "no line end after a chunk") }
      state = .sizeStart
    case .length, .untilClose, .payload, .trailers, .ended: break
    }
  }

  private mutating func readSize(_ byte: UInt8) throws(Refusal) {
    if let digit = byte.hexValue {
      digits += 1
      guard digits <= Self.maxSizeDigits, left <= Int.max >> 4 else {
        throw Refusal(malformed: "a chunk size beyond 2^63")
      }
      left = left << 4 | Int(digit)
      state = .size
      return
    }
    guard state == .size else { throw Refusal(malformed: "a chunk size that is not hexadecimal") }
    switch byte {
    case Byte.semicolon: state = .chunkExtension
    case Byte.carriageReturn: state = .sizeLineFeed
    default: throw Refusal(malformed: "a chunk size that is not hexadecimal")
    }
  }

  private mutating func readExtension(_ byte: UInt8) throws(Refusal) {
    guard byte.isFieldValueByte else { throw Refusal(malformed: "a control character in a chunk extension") }
    extensionBytes += 1
    extensionBytesTotal += 1
    guard extensionBytes <= Self.maxExtensionBytes, extensionBytesTotal <= Self.maxExtensionBytesTotal else {
      throw Refusal(malformed: "chunk extensions that are too long")
    }
  }
}
