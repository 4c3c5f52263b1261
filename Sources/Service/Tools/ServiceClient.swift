// A small client for a running service, for `verify` and `health`.

import EventLoop
import HTTPModel
import HTTPTransport
import HTTPTypes
import Primitives
import S3

package struct ServiceClient: Sendable {
  package struct Answer: Sendable {
    package var status: Int
    package var body: [UInt8]

    package var json: JSONValue? { try? JSONValue(parsing: body) }
    package var text: String { String(decoding: body, as: UTF8.self) }
  }

  private let client: PooledHTTPClient
  private let origin: Origin
  /// Before every path, from the URL; without a slash at its end.
  private let basePath: String
  private let deadline: Duration

  private static let maxBytes = 64 << 20

  /// `url`: `http://host:port`, with a path where a proxy puts the service below one. Throws `.failed` where it is
  /// none.
  package init(url: String, group: EventLoopGroup, deadline: Duration = .seconds(20)) throws(ServiceFailure) {
    let (root, path) = Self.split(url)
    basePath = path
    self.deadline = deadline
    do {
      origin = try S3Endpoint.parse(root)
      client = try PooledHTTPClient(group: group)
    } catch {
      throw .failed("\"\(url)\" is not of the form http://host:port")
    }
  }

  private static func split(_ url: String) -> (root: String, path: String) {
    guard let scheme = url.firstRange(of: "://"), let slash = url[scheme.upperBound...].firstIndex(of: "/") else {
      return (url, "")
    }
    var path = String(url[slash...])
    while path.hasSuffix("/") { path.removeLast() }
    return (String(url[..<slash]), path)
  }

  package func send(
    _ method: HTTPRequest.Method, _ target: String, key: String? = nil, json: String? = nil
  ) async throws(ServiceFailure) -> Answer {
    var fields: [(name: HTTPField.Name, value: String)] = []
    if let key { fields.append((.authorization, "Bearer \(key)")) }
    if json != nil { fields.append((.contentType, "application/json")) }
    let request = ClientRequest(
      method: method, origin: origin, target: basePath + target, fields: fields,
      body: json.map { .bytes(Array($0.utf8)) } ?? .none)
    do {
      let response = try await client.send(request, deadline: deadline)
      return Answer(status: response.status, body: try await response.body.collect(maxBytes: Self.maxBytes))
    } catch {
      throw .failed("\(method.rawValue) \(origin.hostField)\(basePath)\(target): \(error)")
    }
  }

  package func shutDown() async { await client.shutDown() }
}
