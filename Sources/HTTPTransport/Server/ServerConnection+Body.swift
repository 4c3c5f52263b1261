// Reading request bodies: reading is the demand, so a body that nobody reads stays in the kernel's buffer.

import EventLoop
import HTTPModel
import Primitives

extension ServerConnection {
  /// The longest body that is lent in the socket's own buffer.
  static let inPlaceBytes = 64 * 1024
  private static let emptyBody = BufferedBody()

  func body(of request: IncomingRequest) -> any RequestBody {
    switch request.framing {
    case .length(0): Self.emptyBody
    case .length(let length): ServerBody(connection: self, declaredLength: length, number: current.number)
    default: ServerBody(connection: self, declaredLength: nil, number: current.number)
    }
  }

  // MARK: Whole

  /// The bytes that must still come where that is known. Throws where this is not the current request's body any more.
  func beginWhole(of number: Int) throws -> Int? {
    try beginReading(number)
    return current.bodyHasEnded ? 0 : reader.remainingLength
  }

  func hasInput(_ length: Int) -> Bool { connection.inputLength >= length }

  /// Waits until a body of `length` bytes is in the input.
  func awaitInPlace(_ length: Int) async throws {
    guard server.budget.reserve(length) else { throw bodyFailed(.overloaded) }
    defer {
      server.budget.giveBack(length)
      connection.setReadBound(headReadBound)
    }
    connection.setReadBound(max(length, headReadBound))
    while !hasInput(length) { try await waitForBody(length) }
  }

  /// Lends `length` bytes at the input's start to `use` and consumes them.
  func lend<R>(_ length: Int, _ use: (UnsafeRawBufferPointer) throws -> R) throws -> R {
    guard length > 0 else { return try use(UnsafeRawBufferPointer(start: nil, count: 0)) }
    defer {
      connection.consume(length)
      reader.skipWholeBody()
      current.bytesIn += length
      current.bodyHasEnded = true
    }
    return try connection.withInput { (input: UnsafeRawBufferPointer) throws -> R in
      try use(UnsafeRawBufferPointer(rebasing: input[..<length]))
    }
  }

  /// Collects a chunked or long body in memory of its own.
  func collect<R>(maxBytes: Int, _ use: (UnsafeRawBufferPointer) throws -> R) async throws -> R {
    var whole = GrowingBuffer()
    var reserved = Self.inPlaceBytes
    guard server.budget.reserve(reserved) else { throw bodyFailed(.overloaded) }
    connection.setReadBound(max(Self.inPlaceBytes, headReadBound))
    defer {
      server.budget.giveBack(reserved)
      connection.setReadBound(headReadBound)
    }
    while true {
      let (event, consumed) = try readBody()
      switch event {
      case .body(let range):
        guard whole.count + range.count <= maxBytes else { throw bodyFailed(.tooLarge(limit: maxBytes)) }
        let growth = whole.growth(for: range.count)
        guard server.budget.reserve(growth) else { throw bodyFailed(.overloaded) }
        reserved += growth
        let isKept = connection.withInput { whole.append(UnsafeRawBufferPointer(rebasing: $0[range])) }
        connection.consume(consumed)
        current.bytesIn += range.count
        guard isKept else { throw bodyFailed(.overloaded) }
      case .end:
        connection.consume(consumed)
        current.bodyHasEnded = true
        return try use(whole.bytes)
      case .head, nil:
        connection.consume(consumed)
        try await waitForBody(connection.inputLength + 1)
      }
    }
  }

  // MARK: Piece by piece

  func nextPiece(of number: Int) async throws -> [UInt8]? {
    try beginReading(number)
    while !current.bodyHasEnded {
      let (event, consumed) = try readBody()
      switch event {
      case .body(let range):
        let piece = connection.withInput { [UInt8](UnsafeRawBufferPointer(rebasing: $0[range])) }
        connection.consume(consumed)
        current.bytesIn += range.count
        return piece
      case .end:
        connection.consume(consumed)
        current.bodyHasEnded = true
      case .head, nil:
        connection.consume(consumed)
        try await waitForBody(connection.inputLength + 1)
      }
    }
    return nil
  }

  // MARK: Steps

  private func beginReading(_ number: Int) throws {
    guard number == current.number, !isBroken, !current.bodyHasFailed else { throw BodyError.truncated }
    guard current.awaitsContinue else { return }
    current.awaitsContinue = false
    // RFC 9110, 10.1.1: not needed where the body is on its way already.
    if connection.inputLength == 0, !current.bodyHasEnded {
      let line = Self.continueLine
      write(UnsafeRawBufferPointer(start: line.utf8Start, count: line.utf8CodeUnitCount))
    }
  }

  private static let continueLine: StaticString = "HTTP/1.1 100 Continue\r\n\r\n"

  private func readBody() throws -> (event: RequestReader.Event?, consumed: Int) {
    do {
      return try connection.withInput { (input) throws(Refusal) in try reader.next(input) }
    } catch {
      throw bodyFailed(.malformed(error.reason))
    }
  }

  /// Waits for more of the body; the time for all waits of one body is bounded together.
  private func waitForBody(_ wanted: Int) async throws {
    // One reader at a time: a second one has nothing to wait for.
    guard !isBroken, !inputHasEnded, !isAwaitingInput else { throw bodyFailed(.truncated) }
    let number = current.number
    let began = server.now()
    let isInTime = await waitForInput(wanted, .body, until: began.addingSaturated(current.bodyNanoseconds))
    guard number == current.number else { throw BodyError.truncated }
    current.bodyNanoseconds -= server.now() - began
    guard isInTime else { throw bodyFailed(.timedOut) }
    if connection.inputLength < wanted, isBroken || inputHasEnded { throw bodyFailed(.truncated) }
  }

  private func bodyFailed(_ error: BodyError) -> BodyError {
    current.bodyHasFailed = true
    return error
  }

  // MARK: Unread bodies

  /// Whether what the handler left unread is worth reading away to keep the connection. Decided before the head of
  /// the reply.
  func canSkipBody() -> Bool {
    if current.bodyHasEnded { return true }
    // Whoever waits for 100 Continue may or may not send the body now: the two cannot be told apart.
    if current.bodyHasFailed || current.awaitsContinue { return false }
    guard let remaining = reader.remainingLength else { return false }
    return remaining <= server.settings.skippedBodyBytes
  }

  /// Reads the rest of a body away; false where the connection cannot be used again.
  func skipBody() async -> Bool {
    guard canSkipBody() else { return false }
    do {
      while !current.bodyHasEnded {
        let (event, consumed) = try readBody()
        if case .end = event { current.bodyHasEnded = true }
        connection.consume(consumed)
        if consumed == 0, !current.bodyHasEnded { try await waitForBody(connection.inputLength + 1) }
      }
      return true
    } catch {
      return false
    }
  }
}
