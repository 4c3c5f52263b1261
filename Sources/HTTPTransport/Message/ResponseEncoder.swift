// Writes the head of a reply. Pure: what is written depends on the arguments alone, the date included.

import HTTPModel

/// How the body of a reply is framed (RFC 9112, 6).
enum ResponseFraming: Equatable {
  /// No body and no length: 204, 304.
  case none
  case length(Int)
  case chunked
  /// Ends with the connection: HTTP/1.0 without a length.
  case close
}

struct ResponsePlan: Equatable {
  let framing: ResponseFraming
  /// False for HEAD, 204 and 304: the fields are those that the body would have, the body is not sent.
  let sendsBody: Bool

  init(status: Int, body: ResponseBody, isHead: Bool, version: HTTPVersion) {
    let isBodyless = status == 204 || status == 304
    sendsBody = !isHead && !isBodyless
    guard !isBodyless else {
      framing = .none
      return
    }
    switch body {
    case .none: framing = .length(0)
    case .bytes(let bytes): framing = .length(bytes.count)
    case .stream(let length?, _): framing = .length(length)
    case .stream(nil, _): framing = version == .http11 ? .chunked : .close
    }
  }
}

/// What the connection becomes after the reply, and what the reply has to say about it (RFC 9112, 9.3).
enum Persistence {
  case keepAlive
  case keepAliveHTTP10
  case close
}

enum ResponseEncoder {
  /// `commonFields` are whole lines: those that every reply has.
  @inline(__always)
  static func appendHead(
    status: Int, fields: FieldBlock, framing: ResponseFraming, persistence: Persistence, requestID: String,
    commonFields: [UInt8], to output: OutputBuffer
  ) {
    StatusLine.append(status, to: output)
    output.append(commonFields)
    output.append("X-Request-Id: ")
    output.append(requestID)
    output.append("\r\n")
    output.append(fields.bytes)
    switch framing {
    case .length(let length):
      output.append("Content-Length: ")
      output.append(decimal: length)
      output.append("\r\n")
    case .chunked: output.append("Transfer-Encoding: chunked\r\n")
    case .none, .close: break
    }
    switch persistence {
    case .keepAlive: output.append("\r\n")
    case .keepAliveHTTP10: output.append("Connection: keep-alive\r\n\r\n")
    case .close: output.append("Connection: close\r\n\r\n")
    }
  }
}
