// The object store on S3 and what speaks like it: PutObject, GetObject, HeadObject, ListObjectsV2, DeleteObject(s) of
// the Amazon S3 API reference (2006-03-01). Retries are not made here.

import Crypto
import HTTPModel
import HTTPTypes
import ObjectStore
import Primitives
import Synchronization

package final class S3ObjectStore: ObjectStore {
  /// The largest object that is read whole.
  static let maxWholeBytes = 2 * 1024 * 1024 * 1024
  /// What the deadline of a GET of unknown length allows for; more is better read in ranges.
  static let expectedWholeBytes = 64 * 1024 * 1024
  let exchange: S3Exchange
  private let encryption: S3Encryption
  let executor: BlockingExecutor
  /// Cleared by the first store that answers DeleteObjects with "not implemented".
  let hasBatchDelete = Atomic<Bool>(true)

  /// `executor` reads body files and hashes large bodies.
  package init(
    settings: S3Settings, client: any HTTPClient, credentials: any CredentialsProvider, executor: BlockingExecutor,
    clock: any Clock = SystemClock()
  ) {
    exchange = S3Exchange(
      settings: settings, client: client, credentials: credentials, executor: executor, clock: clock)
    encryption = settings.encryption
    self.executor = executor
  }

  package func get(_ key: String, range: Range<Int>?) async throws(ObjectStoreError) -> StoredObject? {
    try ObjectKey.check(key)
    var request = S3Request(method: .get, place: .object(key), maxReplyBytes: Self.maxWholeBytes)
    request.expectedReplyBytes = range?.count ?? Self.expectedWholeBytes
    if let range {
      _ = try ObjectKey.clamp(range, size: Int.max, key: key)
      request.fields.append((.range, "bytes=\(range.lowerBound)-\(range.upperBound - 1)"))
      request.maxReplyBytes = max(range.count, 1024 * 1024)
    } else {
      request.fields.append((.checksumMode, "ENABLED"))
    }
    guard let reply = try await performed(request, { $0 == .absent }) else { return nil }
    let info = try info(key, reply)
    try verify(reply, info, range: range)
    return StoredObject(bytes: reply.bytes, info: info)
  }

  package func head(_ key: String) async throws(ObjectStoreError) -> ObjectInfo? {
    try ObjectKey.check(key)
    let request = S3Request(method: .head, place: .object(key))
    if let reply = try await performed(request, { $0 != .unavailable }) { return try info(key, reply) }
    // A HEAD's refusal has no document: a missing bucket looks like a missing object. A GET of one byte says which it
    // is, and mends what a new signature can mend.
    guard try await isThere(key),
      let reply = try await performed(request, { $0 == .absent || $0 == .unexplainedAbsence })
    else { return nil }
    return try info(key, reply)
  }

  private func isThere(_ key: String) async throws(ObjectStoreError) -> Bool {
    var request = S3Request(method: .get, place: .object(key))
    request.fields.append((.range, "bytes=0-0"))
    do throws(S3ExchangeError) {
      _ = try await exchange.perform(request)
      return true
    } catch {
      switch error {
      case .store(let error): throw error
      // An empty object has no first byte.
      case .failure(let failure) where failure.status == 416: return true
      case .failure(let failure) where failure.meaning == .absent: return false
      case .failure(let failure): throw exchange.storeError(failure)
      }
    }
  }

  package func put(
    _ key: String, _ body: ObjectBody, if condition: PutCondition
  ) async throws(ObjectStoreError) -> PutOutcome {
    try ObjectKey.check(key)
    let body = try await S3Body(body, executor: executor)
    var request = S3Request(method: .put, place: .object(key), body: body)
    request.fields = [(.contentType, "application/octet-stream"), (.checksumCRC32C, body.crc32c)] + encryptionFields
    switch condition {
    case .none: break
    case .ifAbsent: request.fields.append((.ifNoneMatch, "*"))
    case .ifMatch(let etag): request.fields.append((.ifMatch, etag))
    }
    let isMissed: (S3Failure.Meaning) -> Bool = { meaning in
      switch condition {
      case .none: false
      case .ifAbsent: meaning == .conditionFailed
      case .ifMatch: meaning == .conditionFailed || meaning == .absent
      }
    }
    guard let reply = try await performed(request, isMissed) else { return .conditionFailed }
    guard let etag = reply.fields[.eTag], !etag.isEmpty else {
      throw .unavailable(exchange.describe("the reply to a PUT has no ETag"))
    }
    return .stored(etag: etag)
  }

  private var encryptionFields: [(name: HTTPField.Name, value: String)] {
    switch encryption {
    case .none: []
    case .aes256: [(.encryption, "AES256")]
    case .kms(let keyID): [(.encryption, "aws:kms")] + (keyID.map { [(.encryptionKeyID, $0)] } ?? [])
    }
  }

  /// The reply; nil for a refusal with a meaning that `isAnswer` takes as an answer. Some stores send errors with
  /// status 200 (Amazon S3, "CompleteMultipartUpload" and others): a document of that kind is a failure whatever the
  /// status.
  func performed(
    _ request: S3Request, _ isAnswer: (S3Failure.Meaning) -> Bool
  ) async throws(ObjectStoreError) -> S3Reply? {
    do throws(S3ExchangeError) {
      let reply = try await exchange.perform(request)
      // An object's own bytes may be such a document.
      if request.method != .get || reply.fields[.eTag] == nil, Self.looksLikeError(reply.bytes) {
        throw .failure(exchange.failure(reply))
      }
      return reply
    } catch {
      switch error {
      case .store(let error): throw error
      case .failure(let failure) where isAnswer(failure.meaning): return nil
      case .failure(let failure): throw exchange.storeError(failure)
      }
    }
  }

  private static func looksLikeError(_ bytes: [UInt8]) -> Bool {
    guard !bytes.isEmpty, bytes.count <= 64 * 1024 else { return false }
    return (try? XMLElement(parsing: bytes))?.name == "Error"
  }
}

// MARK: - What a reply says of its object

extension S3ObjectStore {
  private func info(_ key: String, _ reply: S3Reply) throws(ObjectStoreError) -> ObjectInfo {
    guard let etag = reply.fields[.eTag], !etag.isEmpty else {
      throw .unavailable(exchange.describe("the reply has no ETag"))
    }
    let length = reply.fields[.contentLength].flatMap { Int($0) }
    let size: Int?
    if reply.status == 206 {
      size = reply.fields[.contentRange]?.split(separator: "/").last.flatMap { Int($0) }
    } else {
      size = length
    }
    guard let size, size >= 0 else {
      throw .unavailable(exchange.describe("the reply does not tell the object's size"))
    }
    let modified = reply.fields[.lastModified].flatMap(HTTPDate.parse) ?? 0
    return ObjectInfo(key: key, size: size, etag: etag, modified: modified * 1_000_000_000)
  }

  /// The bytes are those that were asked for, all of them, and what the store's checksum says.
  private func verify(_ reply: S3Reply, _ info: ObjectInfo, range: Range<Int>?) throws(ObjectStoreError) {
    var expected = 0..<info.size
    if let range {
      expected = try ObjectKey.clamp(range, size: info.size, key: info.key)
      if reply.status == 206 {
        let wanted = "bytes \(expected.lowerBound)-\(expected.upperBound - 1)/"
        guard reply.fields[.contentRange]?.hasPrefix(wanted) == true else {
          throw .corrupt(exchange.describe("another range of '\(info.key)' than the one asked for"))
        }
      } else if expected != 0..<info.size {
        throw .corrupt(exchange.describe("the range was ignored in a GET of '\(info.key)'"))
      }
    }
    guard reply.bytes.count == expected.count else {
      throw .corrupt(
        exchange.describe("\(reply.bytes.count) of \(expected.count) bytes of '\(info.key)' arrived"))
    }
    // A value of the form x-2 is a checksum of checksums of parts, not of the bytes.
    guard expected == 0..<info.size, let checksum = reply.fields[.checksumCRC32C], !checksum.contains("-") else {
      return
    }
    guard S3Body.text(of: CRC32C.checksum(reply.bytes)) == checksum else {
      throw .corrupt(exchange.describe("the bytes of '\(info.key)' do not fit their checksum"))
    }
  }
}
