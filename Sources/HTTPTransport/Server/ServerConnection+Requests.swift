// The life of a server connection: request after request, and how it ends.

import EventLoop
import HTTPModel
import HTTPTypes
import Primitives

extension ServerConnection {
  private enum Input {
    case request(IncomingRequest)
    case refusal(Refusal)
    case wait
    case end
  }

  private static let requestIDField = HTTPField.Name("X-Request-Id")

  func serve() async {
    while true {
      switch nextInput() {
      case .request(let request):
        guard await answer(request) else { return }
      case .refusal(let refusal):
        return refuse(refusal)
      case .wait:
        switch await waitForHead() {
        case .more: continue
        case .slow: return refuse(Refusal(status: 408, reason: "The head of the request did not arrive in time"))
        case .idle: return finish()
        }
      case .end:
        return finish()
      }
    }
  }

  /// What the input holds now.
  private func nextInput() -> Input {
    guard !isBroken else { return .end }
    if reader.isBetweenRequests {
      guard connection.inputLength > 0 else { return inputHasEnded ? .end : .wait }
      current.startedAt = server.now()
    }
    do {
      let (event, consumed) = try connection.withInput { (input) throws(Refusal) in try reader.next(input) }
      connection.consume(consumed)
      if case .head(let request) = event { return .request(request) }
      // A head that was cut off can get no reply that anybody would read.
      return inputHasEnded ? .end : .wait
    } catch {
      return .refusal(error)
    }
  }

  private enum HeadWait {
    case more
    /// The deadline of a head that has begun has passed.
    case slow
    /// The time of a connection without a request is over: it is closed in silence.
    case idle
  }

  private func waitForHead() async -> HeadWait {
    let isIdle = reader.isBetweenRequests && connection.inputLength == 0
    let end =
      isIdle
      ? server.idleDeadline(server.now())
      : current.startedAt.addingSaturated(server.settings.headTimeout.wholeNanoseconds)
    if await waitForInput(connection.inputLength + 1, isIdle ? .idle : .head, until: end) { return .more }
    return isIdle ? .idle : .slow
  }

  /// False where the connection ends with this request.
  private func answer(_ request: IncomingRequest) async -> Bool {
    requestsServed += 1
    current.begin(
      request, startedAt: current.startedAt, bodyTimeout: server.settings.bodyTimeout.wholeNanoseconds)
    let id = requestID(request.head)
    let response = await server.handler.handle(
      Request(head: request.head, body: body(of: request), connection: info, id: id))
    await send(response, to: request.head, id: id)
    current.end()
    if isAwaitingInput { releaseReader() }
    guard current.isPersistent, !isBroken else {
      finish()
      return false
    }
    if !current.bodyHasEnded {
      guard await skipBody() else {
        finish()
        return false
      }
    } else if reader.isInBody {
      // A request without a body, or with one that was lent whole: the reader goes on to the next head.
      reader.skipWholeBody()
    }
    await waitForOutput()
    return true
  }

  /// The caller's id where it is 1 to 128 printable ASCII characters, else a new one.
  private func requestID(_ head: RequestHead) -> String {
    guard let name = Self.requestIDField, let range = head.range(of: name), (1...128).contains(range.count),
      head.bytes[range].allSatisfy({ $0 >= 0x20 && $0 < 0x7F })
    else { return server.nextRequestID() }
    return String(decoding: head.bytes[range], as: UTF8.self)
  }

  /// Answers input that never became a request and ends the connection.
  private func refuse(_ refusal: Refusal) {
    let now = server.now()
    let id = server.nextRequestID()
    let response = server.handler.refuse(refusal, requestID: id)
    current.isPersistent = false
    var body: [UInt8] = []
    if case .bytes(let bytes) = response.body { body = bytes }
    let output = server.output
    output.clear()
    ResponseEncoder.appendHead(
      status: response.status.code, fields: response.fields, framing: .length(body.count), persistence: .close,
      requestID: id, commonFields: server.commonFields(now: now), to: output)
    output.append(body)
    write(output.bytes)
    server.observer?.exchangeEnded(
      Exchange(
        head: nil, requestID: id, clientAddress: info.clientAddress, status: response.status.code, bytesIn: 0,
        bytesOut: output.count, nanosecondsToFirstByte: now - current.startedAt,
        nanosecondsToLastByte: now - current.startedAt, notes: response.notes))
    finish()
  }
}
