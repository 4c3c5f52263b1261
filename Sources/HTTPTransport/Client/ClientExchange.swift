// One request and its reply: waits for a connection, sends, reads the head and then as much of the body as its reader
// asks for. Exactly one of its continuations is pending at a time, and each is resumed once. Of the loop's thread
// alone.

import EventLoop
import HTTPModel
import HTTPTypes

final class ClientExchange: @unchecked Sendable {
  let request: ClientRequest
  private let pool: ClientPool
  private var reader: ResponseReader
  private var sender: RequestSender
  private var connection: ClientConnection?
  private var deadline: LoopTimer?

  private var headWaiter: UnsafeContinuation<ClientResponse, any Error>?
  private var pieceWaiter: UnsafeContinuation<[UInt8]?, any Error>?
  private var failure: (any Error)?
  private var isReused = false
  private var hasRetried = false
  private var hasHead = false
  private var isEnded = false
  private var isPersistent = false
  /// The peer sends no more; true where it ended properly.
  private var peerEnd: Bool?

  init(request: ClientRequest, pool: ClientPool) {
    self.request = request
    self.pool = pool
    reader = Self.reader(request, pool.settings)
    sender = RequestSender(request.body)
  }

  private static func reader(_ request: ClientRequest, _ settings: HTTPClientSettings) -> ResponseReader {
    ResponseReader(
      isReplyToHead: request.method == .head, maxHeadBytes: settings.headBytes, maxHeaders: settings.headers)
  }

  func begin(_ continuation: UnsafeContinuation<ClientResponse, any Error>, deadline: Duration) {
    if let failure { return continuation.resume(throwing: failure) }
    headWaiter = continuation
    self.deadline = LoopTimer(loop: pool.loop) { [unowned self] in fail(HTTPClientError.deadlineExceeded) }
    self.deadline?.arm(after: deadline)
    pool.serve(self)
  }

  // MARK: Sending

  func isWaiting(on connection: ClientConnection) { self.connection = connection }

  func start(on connection: ClientConnection, isReused: Bool) {
    guard failure == nil else { return connection.exchangeEnded(isReusable: true) }
    self.connection = connection
    self.isReused = isReused
    guard let socket = connection.connection else { return }
    pool.output.clear()
    RequestEncoder.appendHead(request, to: pool.output)
    sender.begin(socket, head: pool.output.bytes, loop: pool.loop) { [weak self] error in self?.fail(error) }
  }

  func drained() { sender.drained() }

  // MARK: Receiving

  func received() { advance() }

  func connectionEnded(isProper: Bool) {
    peerEnd = isProper
    advance()
  }

  /// Hands one piece of the body to `waiter`, nil at its end.
  func next(_ waiter: UnsafeContinuation<[UInt8]?, any Error>) {
    if let failure { return waiter.resume(throwing: failure) }
    if isEnded { return waiter.resume(returning: nil) }
    // One reader at a time.
    guard pieceWaiter == nil else { return waiter.resume(throwing: CancellationError()) }
    pieceWaiter = waiter
    connection?.connection?.resumeReading()
    advance()
  }

  /// Reads as far as somebody waits for it. Without a reader the input fills to its bound, and then the peer waits.
  private func advance() {
    while !isEnded, failure == nil, headWaiter != nil || pieceWaiter != nil {
      guard let socket = connection?.connection else { return }
      do {
        let (event, consumed) = try socket.withInput { (input) throws(Refusal) in try reader.next(input) }
        switch event {
        case .interim: socket.consume(consumed)
        case .head(let response):
          socket.consume(consumed)
          deliver(response)
        case .body(let range):
          let piece = socket.withInput { [UInt8](UnsafeRawBufferPointer(rebasing: $0[range])) }
          socket.consume(consumed)
          resumePiece(piece)
        case .end:
          socket.consume(consumed)
          end()
        case nil:
          socket.consume(consumed)
          if peerEnd != nil { peerHasEnded() }
          return
        }
      } catch {
        fail(HTTPClientError.malformedResponse(error.reason))
      }
    }
  }

  private func deliver(_ response: IncomingResponse) {
    hasHead = true
    isPersistent = response.isPersistent
    let body = ClientResponseStream(exchange: self, loop: pool.loop)
    let waiter = headWaiter
    headWaiter = nil
    // A reply without a body frees its connection now, whether or not anybody reads to the end.
    if response.framing == .length(0) { end() }
    waiter?.resume(returning: ClientResponse(status: response.status, fields: response.fields, body: body))
  }

  private func peerHasEnded() {
    if hasHead, peerEnd == true, reader.close() { return end() }
    guard !hasHead, isReused, !hasRetried, reader.isUntouched, isReplayable else {
      return fail(HTTPClientError.connectionLost(requestSent: true))
    }
    // The server closed an idle connection while this request was on its way: it has not read it.
    hasRetried = true
    peerEnd = nil
    reader = Self.reader(request, pool.settings)
    sender.stop()
    sender = RequestSender(request.body)
    let stale = connection
    connection = nil
    stale?.exchangeEnded(isReusable: false)
    pool.serve(self, fresh: true)
  }

  /// RFC 9110, 9.2.2: only what may be done twice, and only where the body can be had again. A conditional request that
  /// was carried out fails the second time: only its sender can tell its own success from another's.
  private var isReplayable: Bool {
    if case .stream = request.body { return false }
    if request.fields.contains(where: { $0.name == .ifMatch || $0.name == .ifNoneMatch }) { return false }
    return [.get, .head, .put, .delete, .options].contains(request.method)
  }

  // MARK: End

  private func end() {
    isEnded = true
    deadline?.cancel()
    let isReusable = isPersistent && sender.isDone && peerEnd == nil
    sender.stop()
    let used = connection
    connection = nil
    used?.exchangeEnded(isReusable: isReusable)
    resumePiece(nil)
  }

  private func resumePiece(_ piece: [UInt8]?) {
    let waiter = pieceWaiter
    pieceWaiter = nil
    waiter?.resume(returning: piece)
  }

  /// Ends the exchange with an error and its connection with it. Of no effect after the end.
  func fail(_ error: any Error) {
    guard failure == nil, !isEnded else { return }
    failure = error
    deadline?.cancel()
    sender.stop()
    pool.forget(self)
    let used = connection
    connection = nil
    used?.exchangeEnded(isReusable: false)
    let head = headWaiter
    let piece = pieceWaiter
    headWaiter = nil
    pieceWaiter = nil
    head?.resume(throwing: error)
    piece?.resume(throwing: error)
  }
}
