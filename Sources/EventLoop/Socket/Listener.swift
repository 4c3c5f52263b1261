// Accepts on one listening socket on one loop: non-blocking, many connections a turn, bounded by a count that all
// loops share. Out of descriptors it sheds one waiting peer with a descriptor kept for that, pauses, and tries again:
// it never spins. The socket is made apart from it (`ListeningSocket`), so that inherited descriptors and unix
// sockets only need another maker.

import CLibevent
import Glibc
import Primitives

package final class Listener: @unchecked Sendable {
  package let loop: EventLoop
  package let address: SocketAddress

  private let limit: ConnectionLimit
  private let onAccept: @Sendable (consuming ConnectedSocket) -> Void
  private let onShortage: @Sendable (String) -> Void

  // Of the loop's thread alone.
  private var descriptor: Int32
  private var event: OpaquePointer?
  private var reserve: Int32 = -1
  private var retry: LoopTimer?
  private var lastNotice: Int64 = .min
  private var isWaitingForPlace = false

  /// Connections taken in one turn, so that those which are open get theirs.
  private static let acceptsPerTurn = 64
  private static let shortagePauseNanoseconds: Int64 = 100_000_000
  private static let noticeNanoseconds: Int64 = 1_000_000_000

  /// `onAccept` gets each connection on the loop and gives its place back to `limit` when it is closed. `onShortage`
  /// is told, at most once a second, that the system has no more descriptors.
  package init(
    socket: consuming ListeningSocket, loop: EventLoop, limit: ConnectionLimit,
    onAccept: @escaping @Sendable (consuming ConnectedSocket) -> Void, onShortage: @escaping @Sendable (String) -> Void
  ) {
    self.loop = loop
    self.limit = limit
    self.onAccept = onAccept
    self.onShortage = onShortage
    address = socket.address
    descriptor = socket.take()
  }

  deinit { if descriptor >= 0 { close(descriptor) } }

  /// Begins to accept.
  package func start() {
    loop.checkIsolated()
    guard event == nil, descriptor >= 0 else { return }
    reserve = Self.openReserve()
    let context = Unmanaged.passUnretained(self).toOpaque()
    event = event_new(
      loop.base, descriptor, Int16(EV_READ | EV_PERSIST),
      { _, _, context in
        guard let context else { return }
        Unmanaged<Listener>.fromOpaque(context).takeUnretainedValue().turn()
      }, context)
    resume()
  }

  /// Takes what already waits in the backlog, as nobody else will answer it, and closes the socket.
  package func stop() {
    loop.checkIsolated()
    guard descriptor >= 0 else { return }
    if event != nil { while accept() {} }
    retry?.cancel()
    if let event { event_free(event) }
    event = nil
    close(descriptor)
    descriptor = -1
    if reserve >= 0 { close(reserve) }
    reserve = -1
  }

  package func pause() {
    if let event { event_del(event) }
  }

  package func resume() {
    if let event { event_add(event, nil) }
  }

  func placeFreed() {
    guard isWaitingForPlace else { return }
    isWaitingForPlace = false
    resume()
  }

  private func turn() { _ = accept() }

  /// True where more may be waiting than one turn takes.
  private func accept() -> Bool {
    for _ in 0..<Self.acceptsPerTurn {
      guard limit.take() else {
        pause()
        if !isWaitingForPlace {
          isWaitingForPlace = true
          limit.wait(self)
        }
        return false
      }
      var storage = sockaddr_storage()
      var length = socklen_t(MemoryLayout<sockaddr_storage>.size)
      let accepted = withUnsafeMutablePointer(to: &storage) { pointer in
        pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
          let descriptor = callflow_accept(descriptor, address, &length)
          return descriptor < 0
            ? nil : AcceptedPair(descriptor: descriptor, peer: SocketAddress(address: address, length: length))
        }
      }
      guard let accepted else {
        let code = errno
        limit.giveBack()
        if acceptFailed(code) { return false }
        continue
      }
      onAccept(ConnectedSocket(descriptor: accepted.descriptor, peer: accepted.peer))
    }
    return true
  }

  private struct AcceptedPair {
    let descriptor: Int32
    let peer: SocketAddress
  }

  /// True where nothing more is to be accepted now. Errors of one connection, already gone, are passed over
  /// (accept(2)).
  private func acceptFailed(_ code: Int32) -> Bool {
    switch code {
    case EAGAIN: return true
    case EMFILE, ENFILE, ENOBUFS, ENOMEM:
      shed()
      pause()
      let now = loop.clock.monotonicNanoseconds()
      if lastNotice == .min || now - lastNotice >= Self.noticeNanoseconds {
        lastNotice = now
        onShortage(SystemError("accept4", code).description)
      }
      if retry == nil {
        retry = LoopTimer(loop: loop) { [unowned self] in
          if reserve < 0 { reserve = Self.openReserve() }
          if !isWaitingForPlace { resume() }
        }
      }
      retry?.arm(nanoseconds: Self.shortagePauseNanoseconds)
      return true
    default: return false
    }
  }

  /// Lets one waiting peer know by closing it: the descriptor kept back for this is given up for a moment.
  private func shed() {
    guard reserve >= 0 else { return }
    close(reserve)
    let descriptor = callflow_accept(descriptor, nil, nil)
    if descriptor >= 0 { close(descriptor) }
    reserve = Self.openReserve()
  }

  private static func openReserve() -> Int32 { open("/dev/null", O_RDONLY | O_CLOEXEC) }
}
