// What the fields of a head say about the message itself: where it ends, whether the connection lives on, what it
// expects. Read strictly: every way in which two readers could see different ends of one message is refused (request
// smuggling).

import HTTPModel

package struct FramingFields: Sendable {
  package private(set) var contentLength: Int?
  package private(set) var isChunked = false
  package private(set) var saysClose = false
  package private(set) var saysKeepAlive = false
  package private(set) var expectsContinue = false
  package private(set) var hasHost = false

  package init() {}

  /// Notes one field. Refuses a second Host, Content-Length or Transfer-Encoding, and values that are not exactly of
  /// their form.
  @inline(__always)
  mutating func note(name: UnsafeRawBufferPointer, value: UnsafeRawBufferPointer) throws(Refusal) {
    switch name.count {
    case 4 where name.equalsIgnoringCase("host"): try noteHost(value)
    case 6 where name.equalsIgnoringCase("expect"): try noteExpect(value)
    case 10 where name.equalsIgnoringCase("connection"): noteConnection(value)
    case 14 where name.equalsIgnoringCase("content-length"): try noteContentLength(value)
    case 17 where name.equalsIgnoringCase("transfer-encoding"): try noteTransferEncoding(value)
    default: break
    }
  }

  private mutating func noteHost(_ value: UnsafeRawBufferPointer) throws(Refusal) {
    guard !hasHost else { throw Refusal(malformed: "more than one Host field") }
    guard HostField.isValid(value) else { throw Refusal(malformed: "an invalid Host field") }
    hasHost = true
  }

  private mutating func noteExpect(_ value: UnsafeRawBufferPointer) throws(Refusal) {
    guard value.equalsIgnoringCase("100-continue") else {
      throw Refusal(status: 417, reason: "Only the expectation 100-continue can be met")
    }
    expectsContinue = true
  }

  private mutating func noteConnection(_ value: UnsafeRawBufferPointer) {
    value.forEachListElement { element in
      if element.equalsIgnoringCase("close") { saysClose = true }
      if element.equalsIgnoringCase("keep-alive") { saysKeepAlive = true }
    }
  }

  private mutating func noteContentLength(_ value: UnsafeRawBufferPointer) throws(Refusal) {
    guard contentLength == nil else { throw Refusal(malformed: "more than one Content-Length field") }
    guard !value.isEmpty else { throw Refusal(malformed: "an empty Content-Length") }
    var length = 0
    for byte in value {
      guard byte.isDigit else { throw Refusal(malformed: "a Content-Length that is not a decimal number") }
      let (shifted, tooLarge) = length.multipliedReportingOverflow(by: 10)
      let (sum, overflow) = shifted.addingReportingOverflow(Int(byte - Byte.zero))
      guard !tooLarge, !overflow else { throw Refusal(malformed: "a Content-Length beyond 2^63") }
      length = sum
    }
    contentLength = length
  }

  private mutating func noteTransferEncoding(_ value: UnsafeRawBufferPointer) throws(Refusal) {
    guard !isChunked else { throw Refusal(malformed: "more than one Transfer-Encoding field") }
    guard value.equalsIgnoringCase("chunked") else {
      throw Refusal(malformed: "a Transfer-Encoding other than chunked")
    }
    isChunked = true
  }

  /// RFC 9112, 6.1: together they are an attempt to smuggle; 1.0 knows no transfer codings.
  func checkLength(version: HTTPVersion) throws(Refusal) {
    guard isChunked else { return }
    guard contentLength == nil else { throw Refusal(malformed: "Transfer-Encoding together with Content-Length") }
    guard version == .http11 else { throw Refusal(malformed: "Transfer-Encoding in HTTP/1.0") }
  }

  /// RFC 9112, 9.3.
  func isPersistent(version: HTTPVersion) -> Bool {
    if saysClose { return false }
    return version == .http11 || saysKeepAlive
  }
}
