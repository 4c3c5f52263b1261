// One outgoing TCP connection to a name: resolves it on the resolver's threads, then tries its addresses in the
// manner of RFC 8305: families alternate, the next address is tried when one fails or has not answered in 250 ms, the
// first that connects wins. So a dead IPv6 route costs a quarter of a second, not a deadline. Of the loop's thread
// alone.

import CLibevent
import Glibc

package enum ConnectFailure: Error, Sendable, Equatable {
  case nameNotResolved(String)
  case notConnected(String)
  case timedOut
}

package final class Connector: @unchecked Sendable {
  package typealias Connected = (consuming ConnectedSocket) -> Void

  private static let staggerNanoseconds: Int64 = 250_000_000

  private let loop: EventLoop
  private let port: Int
  private var onConnected: Connected?
  private var onFailure: ((ConnectFailure) -> Void)?

  private var addresses: ArraySlice<SocketAddress> = []
  private var attempts: [Attempt] = []
  private var lastError = "no address"
  private var stagger: LoopTimer?
  private var deadline: LoopTimer?

  /// One socket that is being connected.
  private final class Attempt {
    unowned let connector: Connector
    let address: SocketAddress
    var descriptor: Int32
    var event: OpaquePointer?

    init(connector: Connector, address: SocketAddress, descriptor: Int32) {
      self.connector = connector
      self.address = address
      self.descriptor = descriptor
    }

    deinit {
      if let event { event_free(event) }
      if descriptor >= 0 { close(descriptor) }
    }
  }

  /// Starts at once. Exactly one of the two closures is called, from a later turn of the loop, unless `cancel` comes
  /// first. The caller keeps the connector until then.
  package init(
    loop: EventLoop, host: String, port: Int, timeout: Duration, resolver: Resolver = .shared,
    onConnected: @escaping Connected, onFailure: @escaping (ConnectFailure) -> Void
  ) {
    loop.checkIsolated()
    self.loop = loop
    self.port = port
    self.onConnected = onConnected
    self.onFailure = onFailure
    deadline = LoopTimer(loop: loop) { [unowned self] in fail(.timedOut) }
    deadline?.arm(after: timeout)
    resolver.resolve(host) { [weak self] result in
      loop.execute { [weak self] in self?.resolved(result) }
    }
  }

  /// Gives up: neither closure is called any more.
  package func cancel() {
    onConnected = nil
    onFailure = nil
    attempts = []
    addresses = []
    stagger?.cancel()
    deadline?.cancel()
  }

  private func resolved(_ result: Result<[SocketAddress], Resolver.ResolveError>) {
    guard onFailure != nil else { return }
    switch result {
    case .failure(let error): fail(.nameNotResolved(error.reason))
    case .success(let found):
      addresses = Self.alternating(found)[...]
      stagger = LoopTimer(loop: loop) { [unowned self] in tryNext() }
      tryNext()
    }
  }

  /// The resolver's order, but after each address one of the other family while there is one.
  static func alternating(_ addresses: [SocketAddress]) -> [SocketAddress] {
    guard let first = addresses.first else { return [] }
    let same = addresses.filter { $0.family == first.family }
    let other = addresses.filter { $0.family != first.family }
    var merged: [SocketAddress] = []
    for index in 0..<max(same.count, other.count) {
      if index < same.count { merged.append(same[index]) }
      if index < other.count { merged.append(other[index]) }
    }
    return merged
  }

  private func tryNext() {
    while let next = addresses.popFirst() {
      let address = next.with(port: port)
      let descriptor = SocketOption.streamSocket(address.family)
      guard descriptor >= 0 else {
        lastError = "\(address): \(SystemError.text(errno))"
        continue
      }
      let attempt = Attempt(connector: self, address: address, descriptor: descriptor)
      let status = address.withSockaddr { connect(descriptor, $0, $1) }
      if status != 0, errno != EINPROGRESS {
        lastError = "\(address): \(SystemError.text(errno))"
        continue
      }
      attempts.append(attempt)
      let context = Unmanaged.passUnretained(attempt).toOpaque()
      attempt.event = event_new(
        loop.base, descriptor, Int16(EV_WRITE),
        { _, _, context in
          guard let context else { return }
          let attempt = Unmanaged<Attempt>.fromOpaque(context).takeUnretainedValue()
          attempt.connector.answered(attempt)
        }, context)
      if let event = attempt.event { event_add(event, nil) }
      if !addresses.isEmpty { stagger?.arm(nanoseconds: Self.staggerNanoseconds) }
      return
    }
    // Nothing left to try: those that are on their way decide, or the deadline.
    if attempts.isEmpty { fail(.notConnected(lastError)) }
  }

  private func answered(_ attempt: Attempt) {
    attempts.removeAll { $0 === attempt }
    let code = SocketOption.takeError(attempt.descriptor)
    guard code == 0 else {
      lastError = "\(attempt.address): \(SystemError.text(code))"
      stagger?.cancel()
      return tryNext()
    }
    let connected = onConnected
    let descriptor = attempt.descriptor
    attempt.descriptor = -1
    if let event = attempt.event { event_free(event) }
    attempt.event = nil
    cancel()
    let socket = ConnectedSocket(descriptor: descriptor, peer: attempt.address)
    if let connected { connected(socket) }
  }

  private func fail(_ failure: ConnectFailure) {
    let failed = onFailure
    cancel()
    failed?(failure)
  }
}
