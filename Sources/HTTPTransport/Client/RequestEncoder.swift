// Writes the head of a client's request. Host, length and connection are the transport's; nothing that a caller
// passes can end a line.

import HTTPModel
import HTTPTypes

enum RequestEncoder {
  static func appendHead(_ request: ClientRequest, to output: OutputBuffer) {
    output.append(request.method.rawValue)
    output.append(" ")
    appendTarget(request.target, to: output)
    output.append(" HTTP/1.1\r\n")
    var lines = FieldBlock()
    var host: String?
    for field in request.fields {
      switch field.name.canonicalName {
      case "host": host = field.value
      case "content-length", "transfer-encoding", "connection": continue
      default: lines.add(field.name, field.value)
      }
    }
    output.append("Host: ")
    appendValue(host ?? request.origin.hostField, to: output)
    output.append("\r\n")
    output.append(lines.bytes)
    if let length = length(request) {
      output.append("Content-Length: ")
      output.append(decimal: length)
      output.append("\r\n")
    }
    output.append("\r\n")
  }

  /// nil where a request of this method says nothing of a body it does not have (RFC 9110, 8.6).
  private static func length(_ request: ClientRequest) -> Int? {
    switch request.body {
    case .none:
      switch request.method {
      case .post, .put, .patch: 0
      default: nil
      }
    case .bytes(let bytes): bytes.count
    case .stream(let length, _): length
    }
  }

  /// Bytes that a target cannot have are percent-encoded, so that it stays one word on one line.
  private static func appendTarget(_ target: String, to output: OutputBuffer) {
    if target.utf8.allSatisfy({ $0 > Byte.space && $0 < 0x7F }) { return output.append(target) }
    var encoded: [UInt8] = []
    let digits = Array("0123456789ABCDEF".utf8)
    for byte in target.utf8 {
      if byte > Byte.space, byte < 0x7F {
        encoded.append(byte)
      } else {
        encoded += [0x25, digits[Int(byte >> 4)], digits[Int(byte & 15)]]
      }
    }
    output.append(encoded)
  }

  private static func appendValue(_ value: String, to output: OutputBuffer) {
    output.append(value.utf8.map { $0.isFieldValueByte ? $0 : Byte.space })
  }
}
