// The body of one request, as its handler sees it. It reads from the connection only while its own request is being
// answered: kept longer, it is at its end with an error, never in the next request's bytes.

import EventLoop
import HTTPModel
import Primitives

final class ServerBody: RequestBody, @unchecked Sendable {
  let declaredLength: Int?
  private let connection: ServerConnection
  private let number: Int

  init(connection: ServerConnection, declaredLength: Int?, number: Int) {
    self.connection = connection
    self.declaredLength = declaredLength
    self.number = number
  }

  func next() async throws -> [UInt8]? {
    let loop = connection.server.loop
    guard loop.isCurrent else {
      return try await withTaskExecutorPreference(loop) { try await self.next() }
    }
    return try await connection.nextPiece(of: number)
  }

  func withWhole<R: Sendable>(
    maxBytes: Int, _ use: @Sendable (UnsafeRawBufferPointer) throws -> R
  ) async throws -> R {
    let loop = connection.server.loop
    guard loop.isCurrent else {
      return try await withTaskExecutorPreference(loop) { try await self.withWhole(maxBytes: maxBytes, use) }
    }
    if let declaredLength, declaredLength > maxBytes { throw BodyError.tooLarge(limit: maxBytes) }
    if let length = try connection.beginWhole(of: number) {
      if length <= ServerConnection.inPlaceBytes {
        if !connection.hasInput(length) { try await connection.awaitInPlace(length) }
        return try connection.lend(length, use)
      }
    }
    return try await connection.collect(maxBytes: maxBytes, use)
  }
}
