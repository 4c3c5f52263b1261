// Request heads for tests below the transport: laid out as the parser lays them out.

import HTTPModel
import HTTPTypes

extension RequestHead {
  /// `target`: path and query as sent.
  package init(_ method: HTTPRequest.Method, _ target: String, _ lines: [(name: String, value: String)] = []) {
    var bytes = Array("\(method.rawValue) ".utf8)
    let start = bytes.count
    bytes.append(contentsOf: target.utf8)
    let end = bytes.count
    let mark = bytes[start...].firstIndex(of: UInt8(ascii: "?"))
    bytes.append(contentsOf: " HTTP/1.1\r\n".utf8)
    var places: [FieldPlace] = []
    for line in lines {
      let name = bytes.count..<bytes.count + line.name.utf8.count
      let value = name.upperBound + 2..<name.upperBound + 2 + line.value.utf8.count
      bytes.append(contentsOf: "\(line.name): \(line.value)\r\n".utf8)
      places.append(FieldPlace(name: name, value: value))
    }
    bytes.append(contentsOf: "\r\n".utf8)
    self.init(
      bytes: bytes, method: method, path: start..<(mark ?? end), query: mark.map { $0 + 1..<end }, version: .http11,
      fields: places)
  }
}
