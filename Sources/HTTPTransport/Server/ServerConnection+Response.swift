// Sending replies. The head and a small body leave in one piece; a stream's pieces wait for the peer.

import EventLoop
import HTTPModel
import HTTPTypes
import Primitives

extension ServerConnection {
  /// Up to this length a body is copied behind its head; above, both are handed to the socket as they are.
  private static let copiedBodyBytes = 16 * 1024

  func send(_ response: Response, to head: RequestHead, id: String) async {
    let plan = ResponsePlan(
      status: response.status.code, body: response.body, isHead: head.method == .head, version: head.version)
    if case .stream(_, let produce) = response.body, plan.sendsBody {
      await stream(response, plan, produce, to: head, id: id)
    } else {
      var body: [UInt8] = []
      if plan.sendsBody, case .bytes(let bytes) = response.body { body = bytes }
      sendWhole(response, plan, body, to: head, id: id)
    }
    report(response, head: head, id: id)
  }

  private func sendWhole(_ response: Response, _ plan: ResponsePlan, _ body: [UInt8], to head: RequestHead, id: String)
  {
    let output = server.output
    appendHead(response, plan, to: head, id: id, output)
    current.bytesOut = output.count + body.count
    if body.count <= Self.copiedBodyBytes {
      output.append(body)
      write(output.bytes)
    } else {
      body.withUnsafeBytes { write(output.bytes, $0) }
    }
  }

  /// Starts the reply in the loop's output buffer, and settles whether the connection lives on: the head says so.
  func appendHead(
    _ response: Response, _ plan: ResponsePlan, to head: RequestHead, id: String, _ output: OutputBuffer
  ) {
    let now = server.now()
    current.firstByteAt = now
    let limit = server.settings.requestsPerConnection
    if plan.framing == .close || server.isDraining || (limit > 0 && requestsServed >= limit) || inputEndsConnection
      || !canSkipBody()
    {
      current.isPersistent = false
    }
    let persistence: Persistence =
      !current.isPersistent ? .close : head.version == .http10 ? .keepAliveHTTP10 : .keepAlive
    output.clear()
    ResponseEncoder.appendHead(
      status: response.status.code, fields: response.fields, framing: plan.framing, persistence: persistence,
      requestID: id, commonFields: server.commonFields(now: now), to: output)
  }

  /// The peer has ended its side and sent no further request.
  private var inputEndsConnection: Bool { inputHasEnded && connection.inputLength == 0 }

  private func report(_ response: Response, head: RequestHead, id: String) {
    guard let observer = server.observer else { return }
    let isStream = if case .stream = response.body { true } else { false }
    let lastByteAt = isStream ? server.now() : current.firstByteAt
    observer.exchangeEnded(
      Exchange(
        head: head, requestID: id, clientAddress: info.clientAddress, status: response.status.code,
        bytesIn: current.bytesIn, bytesOut: current.bytesOut,
        nanosecondsToFirstByte: current.firstByteAt - current.startedAt,
        nanosecondsToLastByte: lastByteAt - current.startedAt, notes: response.notes))
  }

  // MARK: Streams

  private func stream(
    _ response: Response, _ plan: ResponsePlan, _ produce: @Sendable (any ResponseWriter) async throws -> Void,
    to head: RequestHead, id: String
  ) async {
    let writer = ServerWriter(connection: self, response: response, plan: plan, head: head, id: id)
    do {
      try await produce(writer)
      if await writer.end() { return }
    } catch {
      if !writer.hasBegun, !isBroken {
        // Nothing was sent: there is still an honest reply to give.
        let refusal = Refusal(status: 500, reason: "The reply could not be produced")
        let failure = server.handler.refuse(refusal, requestID: id)
        current.isPersistent = false
        var body: [UInt8] = []
        if case .bytes(let bytes) = failure.body { body = bytes }
        let plan = ResponsePlan(status: failure.status.code, body: .bytes(body), isHead: false, version: head.version)
        return sendWhole(failure, plan, body, to: head, id: id)
      }
    }
    // Cut: without its last chunk, or short of its length, so that the reader sees it. A stream framed by the close
    // can show it only by a reset.
    current.isPersistent = false
    writer.invalidate()
    if plan.framing == .close { abort() }
  }
}
