// Sends the body of a client's request as fast as the socket takes it, without keeping more than a bound of it in the
// output. Of the loop's thread alone.

import EventLoop
import HTTPModel

final class RequestSender: @unchecked Sendable {
  private let body: ClientBody
  private var socket: Connection?
  private var offset = 0
  private var task: Task<Void, Never>?
  private var waiter: UnsafeContinuation<Void, Never>?
  private(set) var isDone = false

  private struct WrongLength: Error {}
  private static let pieceBytes = 256 * 1024

  init(_ body: ClientBody) { self.body = body }

  /// `onFailure` gets what a streamed body threw.
  func begin(
    _ socket: Connection, head: UnsafeRawBufferPointer, loop: EventLoop,
    onFailure: @escaping @Sendable (any Error) -> Void
  ) {
    self.socket = socket
    switch body {
    case .none:
      socket.write(head)
      isDone = true
    case .bytes(let bytes):
      offset = min(bytes.count, Self.pieceBytes)
      bytes.withUnsafeBytes { socket.write(head, UnsafeRawBufferPointer(rebasing: $0[..<offset])) }
      pump()
    case .stream(let length, let produce):
      socket.write(head)
      task = Task(executorPreference: loop) { [self] in
        do {
          try await stream(length, produce)
        } catch {
          if !Task.isCancelled { onFailure(error) }
        }
      }
    }
  }

  func drained() {
    if let waiter {
      self.waiter = nil
      waiter.resume()
    }
    pump()
  }

  /// Nothing more is sent.
  func stop() {
    task?.cancel()
    socket = nil
    if let waiter {
      self.waiter = nil
      waiter.resume()
    }
  }

  private func pump() {
    guard case .bytes(let bytes) = body, let socket, !isDone else { return }
    bytes.withUnsafeBytes { all in
      while offset < all.count, socket.outputLength <= ClientConnection.drainMark {
        let end = min(all.count, offset + Self.pieceBytes)
        socket.write(UnsafeRawBufferPointer(rebasing: all[offset..<end]))
        offset = end
      }
      isDone = offset == all.count
    }
  }

  private func stream(_ length: Int, _ produce: @Sendable () async throws -> [UInt8]?) async throws {
    while let piece = try await produce() {
      guard let socket else { throw CancellationError() }
      guard offset + piece.count <= length else { throw WrongLength() }
      offset += piece.count
      piece.withUnsafeBytes { socket.write($0) }
      if socket.outputLength > Self.pieceBytes {
        await withUnsafeContinuation { waiter = $0 }
      }
    }
    guard offset == length else { throw WrongLength() }
    isDone = true
  }
}
