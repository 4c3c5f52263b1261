// An HTTP client that answers from a script and keeps what it was asked, for the mapping of replies without a server.

import HTTPModel
import HTTPTypes
import Synchronization

package final class S3ScriptedHTTPClient: HTTPClient {
  package struct Reply: Sendable {
    package var status: Int
    package var fields: [(String, String)]
    package var body: [UInt8]
    /// Thrown in place of the reply.
    package var failure: HTTPClientError?
    /// The body breaks off with this after its bytes.
    package var bodyFailure: HTTPClientError?

    package init(
      _ status: Int, _ fields: [(String, String)] = [], _ body: String = "", failure: HTTPClientError? = nil,
      bodyFailure: HTTPClientError? = nil
    ) {
      self.status = status
      self.fields = fields
      self.body = Array(body.utf8)
      self.failure = failure
      self.bodyFailure = bodyFailure
    }
  }

  private struct State: Sendable {
    var replies: [Reply]
    var requests: [ClientRequest] = []
    var bodies: [[UInt8]] = []
  }

  private let state: Mutex<State>

  /// The replies in order; the last one answers all that follow.
  package init(_ replies: [Reply]) { state = Mutex(State(replies: replies)) }

  package var requests: [ClientRequest] { state.withLock { $0.requests } }
  package var bodies: [[UInt8]] { state.withLock { $0.bodies } }

  package func send(_ request: ClientRequest, deadline: Duration) async throws -> ClientResponse {
    var sent: [UInt8] = []
    switch request.body {
    case .none: break
    case .bytes(let bytes): sent = bytes
    case .stream(_, let next): while let piece = try await next() { sent += piece }
    }
    let body = sent
    let reply = state.withLock { state in
      state.requests.append(request)
      state.bodies.append(body)
      return state.replies.count > 1 ? state.replies.removeFirst() : state.replies[0]
    }
    if let failure = reply.failure { throw failure }
    var fields = HTTPFields()
    for (name, value) in reply.fields {
      guard let name = HTTPField.Name(name) else { preconditionFailure("\(name) is no field name") }
      fields.append(HTTPField(name: name, value: value))
    }
    return ClientResponse(status: reply.status, fields: fields, body: Body(reply))
  }

  private final class Body: ClientResponseBody {
    private let rest: Mutex<(bytes: [UInt8]?, failure: HTTPClientError?)>

    init(_ reply: Reply) { rest = Mutex((reply.body.isEmpty ? nil : reply.body, reply.bodyFailure)) }

    func next() async throws -> [UInt8]? {
      let (bytes, failure) = rest.withLock { rest in
        defer { rest.bytes = nil }
        return (rest.bytes, rest.failure)
      }
      if bytes == nil, let failure { throw failure }
      return bytes
    }

    func cancel() {}
  }
}

extension ClientRequest {
  /// The first value of a field by its name in any case.
  package func field(_ name: String) -> String? {
    fields.first { $0.name.canonicalName == name.lowercased() }?.value
  }
}
