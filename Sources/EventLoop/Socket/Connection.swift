// One connected stream socket on its loop, plain or TLS, over a libevent bufferevent. It owns the descriptor, the TLS
// session and both buffers, and releases them exactly once, in `close()`. Input is read in place; what a delegate
// does not consume stays, and reading stops by itself at the read bound: that is the back-pressure. Of the loop's
// thread alone.

import CLibevent
import Glibc

/// Told about one connection, on its loop. `close()` may be called from inside every one of these.
package protocol ConnectionDelegate: AnyObject {
  /// New bytes stand behind what was not consumed before.
  func connectionReceived(_ connection: Connection)
  /// The unsent output fell to the low mark or below.
  func connectionDrained(_ connection: Connection)
  /// Called at most once: the peer ended its side, the connection broke, or `finish` is done. Unless it is
  /// `endOfInput` nothing can be sent any more; the connection stays open until `close()`.
  func connectionEnded(_ connection: Connection, _ end: ConnectionEnd)
  /// The TLS handshake is done and the peer's certificate was accepted.
  func connectionSecured(_ connection: Connection)
}

extension ConnectionDelegate {
  package func connectionSecured(_ connection: Connection) {}
}

package enum ConnectionEnd: Sendable, Equatable {
  /// The peer sent its last byte properly: FIN, and before it close_notify where there is TLS.
  case endOfInput
  /// The connection broke: reset, timed out, or closed without the TLS close_notify.
  case failed(String)
  /// TLS itself said no: certificate not accepted, no common version. It will say so again.
  case untrusted(String)
  case finished
}

package final class Connection: @unchecked Sendable {
  package enum Phase: Sendable {
    case open
    /// `finish` was called: output is flushed, then this side is shut down and the peer's rest is read away.
    case flushing
    case lingering
    case closed
  }

  package let loop: EventLoop
  package let peer: SocketAddress
  package let isTLS: Bool
  package private(set) var phase = Phase.open
  /// Held until `close()`.
  package var delegate: (any ConnectionDelegate)?
  /// Called once, when the descriptor is closed.
  package var onClose: (() -> Void)?

  let descriptor: Int32
  private(set) var event: OpaquePointer?
  private let session: TLSSession?
  /// The owner wants input.
  private var isReading = true
  /// The input has reached its bound. Kept here and not as libevent's high watermark, which is unsound in 2.1.12: with
  /// TLS it can leave decrypted bytes where no event tells of them (libevent issue 854), and plain sockets spin on a
  /// reader that is slower than its peer (issue 891).
  private var isFull = false
  private var readBound: Int
  private var hasEnded = false
  private var lingerTimer: LoopTimer?
  private var lingerNanoseconds: Int64 = 0

  /// Bytes that one read takes from the socket: what is there, at most this.
  private static let readBytes = 64 * 1024

  /// Takes over a connected, non-blocking descriptor: it is closed also where this throws. Callbacks come from the
  /// next turn on, to the `delegate` that the caller sets until then.
  package init(
    loop: EventLoop, socket: consuming ConnectedSocket, tls: TLSSession? = nil, readBound: Int
  ) throws(SystemError) {
    loop.checkIsolated()
    peer = socket.peer
    descriptor = socket.take()
    guard let event = Self.bufferEvent(loop, descriptor, tls) else {
      Glibc.close(descriptor)
      throw SystemError("bufferevent_socket_new", ENOMEM)
    }
    self.loop = loop
    self.event = event
    session = tls
    self.readBound = readBound
    isTLS = tls != nil
    SocketOption.set(descriptor, Int32(IPPROTO_TCP), TCP_NODELAY, 1)
    bufferevent_set_max_single_read(event, Self.readBytes)
    // The bufferevent owns one reference; `close()` gives it back.
    let context = Unmanaged.passRetained(self).toOpaque()
    bufferevent_setcb(event, Self.onRead, Self.onWrite, Self.onEvent, context)
    // A socket's bufferevent writes from its making on; to enable that again would report an empty output as drained.
    bufferevent_enable(event, Int16(tls == nil ? EV_READ : EV_READ | EV_WRITE))
  }

  private static func bufferEvent(_ loop: EventLoop, _ descriptor: Int32, _ tls: TLSSession?) -> OpaquePointer? {
    guard let tls else { return bufferevent_socket_new(loop.base, descriptor, Int32(BEV_OPT_CLOSE_ON_FREE.rawValue)) }
    let state = tls.isServer ? BUFFEREVENT_SSL_ACCEPTING : BUFFEREVENT_SSL_CONNECTING
    // TLS buffer events write from inside a write call and would call back from there; deferred they do it from the
    // loop.
    let options = Int32(BEV_OPT_CLOSE_ON_FREE.rawValue | BEV_OPT_DEFER_CALLBACKS.rawValue)
    return bufferevent_openssl_socket_new(loop.base, descriptor, tls.handOver(), state, options)
  }

  package var isOpen: Bool { event != nil }

  /// Closes at once; unsent output is lost. No callback follows.
  package func close() {
    guard let event else { return }
    loop.checkIsolated()
    self.event = nil
    phase = .closed
    delegate = nil
    lingerTimer?.cancel()
    bufferevent_free(event)
    let ended = onClose
    onClose = nil
    ended?()
    Unmanaged.passUnretained(self).release()
  }

  // MARK: Input

  package var inputLength: Int { event.map { evbuffer_get_length(bufferevent_get_input($0)) } ?? 0 }

  /// Lends all unconsumed input as one piece. It must not be kept, and nothing is consumed meanwhile.
  @inline(__always)
  package func withInput<Result, Failure: Error>(
    _ body: (UnsafeRawBufferPointer) throws(Failure) -> Result
  ) throws(Failure) -> Result {
    guard let event else { return try body(UnsafeRawBufferPointer(start: nil, count: 0)) }
    let input = bufferevent_get_input(event)
    let length = evbuffer_get_length(input)
    guard length > 0, let start = evbuffer_pullup(input, length) else {
      return try body(UnsafeRawBufferPointer(start: nil, count: 0))
    }
    return try body(UnsafeRawBufferPointer(start: start, count: length))
  }

  /// Drops the first `count` bytes of the input.
  package func consume(_ count: Int) {
    guard count > 0, let event else { return }
    evbuffer_drain(bufferevent_get_input(event), count)
    if isFull { checkBound() }
  }

  /// Input at which reading stops until something is consumed.
  package func setReadBound(_ bytes: Int) {
    readBound = bytes
    checkBound()
  }

  private func checkBound() {
    let wasFull = isFull
    isFull = inputLength >= readBound
    if isFull != wasFull { setReading(isReading) }
  }

  /// Keeps libevent reading only while the owner wants it and there is room.
  private func setReading(_ wanted: Bool) {
    isReading = wanted
    guard let event else { return }
    if isReading && !isFull {
      bufferevent_enable(event, Int16(EV_READ))
    } else {
      bufferevent_disable(event, Int16(EV_READ))
    }
  }

  /// Stops reading, and with it the notice of the peer's end. What is in the input stays.
  package func pauseReading() {
    if isReading { setReading(false) }
  }

  /// Reads again. The caller looks at what is in the input already: only new bytes are announced.
  package func resumeReading() {
    if !isReading { setReading(true) }
  }

  // MARK: Output

  package var outputLength: Int { event.map { evbuffer_get_length(bufferevent_get_output($0)) } ?? 0 }

  /// Output at which `connectionDrained` is called on its way down.
  package func setDrainMark(_ bytes: Int) {
    guard let event else { return }
    bufferevent_setwatermark(event, Int16(EV_WRITE), bytes, 0)
  }

  /// Sends the bytes of both parts, in this order, or keeps what the socket does not take now. They are copied where
  /// kept.
  package func write(_ first: UnsafeRawBufferPointer, _ second: UnsafeRawBufferPointer = .init(start: nil, count: 0)) {
    guard let event, phase == .open, !hasFailed else { return }
    let output = bufferevent_get_output(event)
    var sent = 0
    // A plain socket with nothing queued almost always takes a reply whole. Asking it at once saves the trip through
    // the poll, two epoll_ctl and one epoll_wait a reply: measured as 4 to 20 % of the CPU of a small request.
    if session == nil, evbuffer_get_length(output) == 0 {
      sent = sendNow(first, second)
      guard sent >= 0 else { return }
    }
    if sent < first.count {
      evbuffer_add(output, first.baseAddress.map { $0 + sent }, first.count - sent)
      evbuffer_add(output, second.baseAddress, second.count)
    } else if sent < first.count + second.count {
      let skipped = sent - first.count
      evbuffer_add(output, second.baseAddress.map { $0 + skipped }, second.count - skipped)
    }
  }

  private var hasFailed = false

  /// Bytes that the socket took, or -1 where the connection is broken.
  private func sendNow(_ first: UnsafeRawBufferPointer, _ second: UnsafeRawBufferPointer) -> Int {
    let flags = Int32(MSG_DONTWAIT) | Int32(MSG_NOSIGNAL)
    let sent: Int
    if second.isEmpty {
      sent = send(descriptor, first.baseAddress, first.count, flags)
    } else {
      sent = SocketOption.send(descriptor, first, second, flags)
    }
    if sent >= 0 { return sent }
    if errno == EAGAIN || errno == EINTR || errno == ENOBUFS { return 0 }
    // The caller is in the middle of something: it learns of the end in a turn of its own.
    hasFailed = true
    let text = SystemError.text(errno)
    loop.execute { self.end(.failed(text)) }
    return -1
  }

  /// Sends what is queued, shuts this side down and reads the peer's rest away for at most `linger`, so that a peer
  /// which is still sending reads the last reply instead of a reset. Ends with `connectionEnded(.finished)`.
  package func finish(linger: Duration) {
    guard let event, phase == .open else { return }
    phase = .flushing
    lingerNanoseconds = linger.wholeNanoseconds
    setReadBound(Self.readBytes)
    bufferevent_setwatermark(event, Int16(EV_WRITE), 0, 0)
    resumeReading()
    consume(inputLength)
    if outputLength == 0 || hasFailed { loop.execute { self.beginLinger() } }
  }

  private func beginLinger() {
    guard phase == .flushing else { return }
    phase = .lingering
    session?.shutDown()
    shutdown(descriptor, Int32(SHUT_WR))
    guard !hasEnded, lingerNanoseconds > 0 else { return end(.finished) }
    lingerTimer = LoopTimer(loop: loop) { [unowned self] in end(.finished) }
    lingerTimer?.arm(nanoseconds: lingerNanoseconds)
  }

  // MARK: Events

  private func end(_ end: ConnectionEnd) {
    guard event != nil else { return }
    switch phase {
    case .open:
      guard !hasEnded || end != .endOfInput else { return }
      hasEnded = true
      delegate?.connectionEnded(self, end)
    case .flushing where end == .endOfInput:
      hasEnded = true
    case .flushing, .lingering:
      hasEnded = true
      delegate?.connectionEnded(self, .finished)
    case .closed: break
    }
  }

  private static func from(_ context: UnsafeMutableRawPointer?) -> Connection? {
    context.map { Unmanaged<Connection>.fromOpaque($0).takeUnretainedValue() }
  }

  private static let onRead: bufferevent_data_cb = { _, context in
    guard let connection = from(context) else { return }
    if connection.phase == .open {
      connection.delegate?.connectionReceived(connection)
      connection.checkBound()
    } else {
      connection.consume(connection.inputLength)
    }
  }

  private static let onWrite: bufferevent_data_cb = { _, context in
    guard let connection = from(context) else { return }
    switch connection.phase {
    case .open: connection.delegate?.connectionDrained(connection)
    case .flushing where connection.outputLength == 0: connection.beginLinger()
    default: break
    }
  }

  private static let onEvent: bufferevent_event_cb = { _, what, context in
    let code = errno
    guard let connection = from(context), let event = connection.event else { return }
    let what = Int32(what)
    if what & BEV_EVENT_CONNECTED != 0 {
      connection.delegate?.connectionSecured(connection)
    } else if what & BEV_EVENT_EOF != 0 {
      connection.end(.endOfInput)
    } else if what & BEV_EVENT_ERROR != 0 {
      let failure = connection.session?.failure(bufferevent_get_openssl_error(event), code)
      connection.end(failure ?? .failed(SystemError.text(code)))
    }
  }
}
