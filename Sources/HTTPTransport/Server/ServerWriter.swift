// What a streaming reply is written through: frames the pieces, and holds the producer back while the peer does not
// read.

import EventLoop
import HTTPModel
import Primitives

final class ServerWriter: ResponseWriter, @unchecked Sendable {
  private struct PeerGone: Error {}
  private struct WrongLength: Error {}

  /// A piece from this length on is handed to the socket without a copy, and its line end travels with the next one.
  private static let copiedBytes = 16 * 1024
  /// A peer that reads as fast as it is written to never holds the producer back: after so many bytes or pieces the
  /// loop's other connections get their turn.
  private static let bytesPerTurn = 128 * 1024
  private static let piecesPerTurn = 64

  private let connection: ServerConnection
  private let response: Response
  private let plan: ResponsePlan
  private let head: RequestHead
  private let id: String
  private let number: Int
  // Of the loop's thread alone.
  private(set) var hasBegun = false
  private var isValid = true
  private var owesLineEnd = false
  private var left: Int?
  private var bytesInTurn = 0
  private var piecesInTurn = 0

  init(connection: ServerConnection, response: Response, plan: ResponsePlan, head: RequestHead, id: String) {
    self.connection = connection
    self.response = response
    self.plan = plan
    self.head = head
    self.id = id
    number = connection.current.number
    if case .length(let length) = plan.framing { left = length }
  }

  func write(_ bytes: [UInt8]) async throws {
    let loop = connection.server.loop
    guard loop.isCurrent else {
      return try await withTaskExecutorPreference(loop) { try await self.write(bytes) }
    }
    guard isValid, number == connection.current.number, !connection.isBroken else { throw PeerGone() }
    guard !bytes.isEmpty else { return }
    if let left {
      guard bytes.count <= left else { throw WrongLength() }
      self.left = left - bytes.count
    }
    send(bytes)
    await connection.waitForOutput()
    bytesInTurn += bytes.count
    piecesInTurn += 1
    if bytesInTurn >= Self.bytesPerTurn || piecesInTurn >= Self.piecesPerTurn {
      bytesInTurn = 0
      piecesInTurn = 0
      await Task.yield()
    }
    if connection.isBroken { throw PeerGone() }
  }

  private func send(_ bytes: [UInt8]) {
    let output = begin()
    if plan.framing == .chunked {
      if owesLineEnd { output.append("\r\n") }
      output.append(hexadecimal: bytes.count)
      output.append("\r\n")
    }
    if bytes.count < Self.copiedBytes {
      output.append(bytes)
      if plan.framing == .chunked { output.append("\r\n") }
      owesLineEnd = false
      flush(output)
    } else {
      owesLineEnd = plan.framing == .chunked
      connection.current.bytesOut += output.count + bytes.count
      bytes.withUnsafeBytes { connection.write(output.bytes, $0) }
    }
  }

  /// The loop's output buffer, with the head in it where that was not sent yet.
  private func begin() -> OutputBuffer {
    let output = connection.server.output
    output.clear()
    if !hasBegun {
      hasBegun = true
      connection.appendHead(response, plan, to: head, id: id, output)
    }
    return output
  }

  private func flush(_ output: OutputBuffer) {
    connection.current.bytesOut += output.count
    connection.write(output.bytes)
  }

  /// Ends the body; false where it is not as long as its head said.
  func end() async -> Bool {
    guard isValid else { return false }
    if let left, left > 0, hasBegun || !connection.isBroken {
      if !hasBegun { flush(begin()) }
      return false
    }
    let output = begin()
    if plan.framing == .chunked {
      if owesLineEnd { output.append("\r\n") }
      output.append("0\r\n\r\n")
    }
    flush(output)
    isValid = false
    return true
  }

  func invalidate() { isValid = false }
}
