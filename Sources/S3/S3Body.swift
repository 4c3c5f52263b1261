// A request's body with what its head must say of it: length, SHA-256 for the signature, CRC-32C for the store's own
// check. Both are computed before the first byte is sent, off the event loop where there are many bytes.

import Crypto
import HTTPModel
import ObjectStore
import Primitives

struct S3Body: Sendable {
  private static let maxInlineBytes = 64 * 1024
  private static let pieceBytes = 1024 * 1024
  private let source: ObjectBody?
  let size: Int
  /// Lower-case hex.
  let sha256: String
  /// Base64 of the big-endian value, as `x-amz-checksum-crc32c` has it.
  let crc32c: String

  static let empty = S3Body(source: nil, size: 0, sha256: SigV4Signer.emptyBodyHash, checksum: 0)

  private init(source: ObjectBody?, size: Int, sha256: String, checksum: UInt32) {
    self.source = source
    self.size = size
    self.sha256 = sha256
    crc32c = Self.text(of: checksum)
  }

  /// Reads the body once. Throws `.rejected` for a file that cannot be read or has another size.
  init(_ body: ObjectBody, executor: BlockingExecutor) async throws(ObjectStoreError) {
    switch body {
    case .bytes(let bytes) where bytes.count <= Self.maxInlineBytes:
      self = try Self.measured(body, bytes)
    case .bytes(let bytes):
      self = try await executor.run { () throws(ObjectStoreError) in try Self.measured(body, bytes) }
    case .file(let path, let size):
      self = try await executor.run { () throws(ObjectStoreError) in try Self.measured(body, path, size) }
    }
  }

  /// For one try: a new one for each, because a stream is read once.
  func content(_ executor: BlockingExecutor) -> ClientBody {
    switch source {
    case nil: return .none
    case .bytes(let bytes): return .bytes(bytes)
    case .file(let path, let size):
      let pieces = FilePieces(path: path, size: size, executor: executor)
      return .stream(length: size) { try await pieces.next() }
    }
  }

  static func text(of checksum: UInt32) -> String {
    Base64.string(withUnsafeBytes(of: checksum.bigEndian) { [UInt8]($0) })
  }

  private static func measured(_ body: ObjectBody, _ bytes: [UInt8]) throws(ObjectStoreError) -> S3Body {
    let hash = try hashing { () throws(CryptoError) in try SHA256.hash(bytes) }
    return S3Body(source: body, size: bytes.count, sha256: Hex.string(hash), checksum: CRC32C.checksum(bytes))
  }

  private static func measured(_ body: ObjectBody, _ path: String, _ size: Int) throws(ObjectStoreError) -> S3Body {
    let file = try LocalFile(reading: path)
    return try hashing { () throws(CryptoError) -> Result<S3Body, ObjectStoreError> in
      var hash = try SHA256()
      var checksum: UInt32 = 0
      var offset = 0
      while true {
        let piece: [UInt8]
        do throws(FileFailure) {
          piece = try file.read(offset..<offset + pieceBytes)
        } catch {
          return .failure(error.storeError)
        }
        if piece.isEmpty { break }
        try hash.update(piece)
        checksum = piece.withUnsafeBytes { CRC32C.checksum($0, seed: checksum) }
        offset += piece.count
      }
      guard offset == size else { return .failure(.rejected("\(path) has not the \(size) bytes it should have")) }
      return .success(
        S3Body(source: body, size: size, sha256: Hex.string(try hash.finish()), checksum: checksum))
    }.get()
  }

  private static func hashing<T>(_ body: () throws(CryptoError) -> T) throws(ObjectStoreError) -> T {
    do throws(CryptoError) { return try body() } catch { throw .unavailable("a body cannot be hashed: \(error)") }
  }
}
