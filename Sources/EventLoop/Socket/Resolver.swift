// Names to addresses by getaddrinfo, which blocks: so on threads of its own, few and short-lived. A lookup cannot be
// stopped; who asks gives up at a deadline of its own, and the answer to nobody is dropped. Equal lookups at one time
// are one.

import CLibevent
import Glibc
import Synchronization

package final class Resolver: Sendable {
  package typealias Completion = @Sendable (Result<[SocketAddress], ResolveError>) -> Void

  /// In the resolver's words.
  package struct ResolveError: Error, Sendable, Equatable {
    package let reason: String
  }

  /// The resolver of the process: the threads are few because all connectors share them.
  package static let shared = Resolver()

  private static let maxThreads = 4
  private static let maxWaiting = 1024

  private struct State {
    var order: [String] = []
    var waiting: [String: [Completion]] = [:]
    var threads = 0
  }

  private let state = Mutex(State())

  package init() {}

  /// Looks `host` up for TCP and calls `completion` on some thread, with at least one address (their port is 0) or an
  /// error.
  package func resolve(_ host: String, _ completion: @escaping Completion) {
    if let address = SocketAddress(numericHost: host, port: 0) { return completion(.success([address])) }
    enum Next {
      case wait
      case startThread
      case refuse
    }
    let next: Next = state.withLock { state in
      if state.waiting[host] != nil {
        state.waiting[host]?.append(completion)
        return .wait
      }
      guard state.order.count < Self.maxWaiting else { return .refuse }
      state.order.append(host)
      state.waiting[host] = [completion]
      guard state.threads < Self.maxThreads else { return .wait }
      state.threads += 1
      return .startThread
    }
    switch next {
    case .wait: return
    case .refuse: completion(.failure(ResolveError(reason: "too many lookups are waiting")))
    case .startThread: startThread()
    }
  }

  private func startThread() {
    var thread = pthread_t()
    let context = Unmanaged.passRetained(self)
    let status = pthread_create(
      &thread, nil,
      { context in
        guard let context else { return nil }
        callflow_name_thread("resolver")
        Unmanaged<Resolver>.fromOpaque(context).takeRetainedValue().work()
        return nil
      }, context.toOpaque())
    if status == 0 {
      pthread_detach(thread)
    } else {
      context.release()
      failAll(SystemError("pthread_create", status).description)
    }
  }

  private func work() {
    while let host = takeNext() {
      let result = Self.lookUp(host)
      let completions = state.withLock { $0.waiting.removeValue(forKey: host) ?? [] }
      for completion in completions { completion(result) }
    }
  }

  /// The next name, or nil where there is none: then this thread is counted out under the same lock.
  private func takeNext() -> String? {
    state.withLock { state in
      if state.order.isEmpty {
        state.threads -= 1
        return nil
      }
      return state.order.removeFirst()
    }
  }

  private func failAll(_ reason: String) {
    let completions = state.withLock { state in
      state.threads -= 1
      guard state.threads == 0 else { return [Completion]() }
      defer { state.waiting = [:] }
      state.order = []
      return state.waiting.values.flatMap { $0 }
    }
    for completion in completions { completion(.failure(ResolveError(reason: reason))) }
  }

  private static func lookUp(_ host: String) -> Result<[SocketAddress], ResolveError> {
    var hints = addrinfo()
    hints.ai_family = AF_UNSPEC
    hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
    hints.ai_flags = AI_ADDRCONFIG
    var list: UnsafeMutablePointer<addrinfo>?
    let status = getaddrinfo(host, nil, &hints, &list)
    guard status == 0 else {
      return .failure(ResolveError(reason: gai_strerror(status).map { String(cString: $0) } ?? "error \(status)"))
    }
    defer { freeaddrinfo(list) }
    var addresses: [SocketAddress] = []
    var entry = list
    while let info = entry?.pointee {
      if let address = info.ai_addr { addresses.append(SocketAddress(address: address, length: info.ai_addrlen)) }
      entry = info.ai_next
    }
    return addresses.isEmpty ? .failure(ResolveError(reason: "no address")) : .success(addresses)
  }
}
