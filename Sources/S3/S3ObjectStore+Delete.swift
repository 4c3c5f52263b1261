// DeleteObjects in batches of up to 1000 keys, and DeleteObject for one key or for stores without the other.

import Crypto
import HTTPModel
import HTTPTypes
import ObjectStore
import Primitives
import Synchronization

extension S3ObjectStore {
  private static let maxBatch = 1000

  package func delete(_ keys: [String]) async throws(ObjectStoreError) {
    for key in keys { try ObjectKey.check(key) }
    var rest = keys[...]
    while !rest.isEmpty {
      let batch = Array(rest.prefix(Self.maxBatch))
      rest = rest.dropFirst(batch.count)
      if batch.count > 1, hasBatchDelete.load(ordering: .relaxed), try await deleteTogether(batch) { continue }
      for key in batch {
        _ = try await performed(S3Request(method: .delete, place: .object(key)), { $0 == .absent })
      }
    }
  }

  /// false where the store does not know DeleteObjects.
  private func deleteTogether(_ keys: [String]) async throws(ObjectStoreError) -> Bool {
    let address = exchange.address
    var document = "<Delete xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"><Quiet>true</Quiet>"
    for key in keys { document += "<Object><Key>\(Self.escaped(address.name(of: key)))</Key></Object>" }
    document += "</Delete>"
    let bytes = Array(document.utf8)
    let body = try await S3Body(.bytes(bytes), executor: executor)
    var request = S3Request(method: .post, place: .bucket, query: [("delete", "")], body: body)
    request.fields = [(.contentType, "application/xml"), (.checksumCRC32C, body.crc32c)]
    // Older stores know no other checksum here and demand one; a library without MD5 leaves it out.
    if let hash = try? MD5.hash(bytes) { request.fields.append((.contentMD5, Base64.string(hash))) }
    let reply: S3Reply
    do throws(S3ExchangeError) {
      reply = try await exchange.perform(request)
    } catch {
      switch error {
      case .failure(let failure)
      where ["NotImplemented", "MethodNotAllowed"].contains(failure.code) || failure.status == 501:
        hasBatchDelete.store(false, ordering: .relaxed)
        return false
      case .failure(let failure): throw exchange.storeError(failure)
      case .store(let error): throw error
      }
    }
    try check(reply)
    return true
  }

  /// Status 200 says only that the batch was read: each key that is still there has an `Error` in the document.
  private func check(_ reply: S3Reply) throws(ObjectStoreError) {
    guard let document = try? XMLElement(parsing: reply.bytes) else {
      throw .unavailable(exchange.describe("the reply to a deletion is no XML"))
    }
    if document.name == "Error" {
      throw exchange.storeError(exchange.failure(reply))
    }
    guard document.name == "DeleteResult" || document.name == "DeleteObjectsResult" else {
      throw .unavailable(exchange.describe("the reply to a deletion is a document '\(document.name)'"))
    }
    let failures = document.children.filter { $0.name == "Error" }.map {
      S3Failure(status: 200, code: $0["Code"] ?? "", message: $0["Message"] ?? "")
    }
    if let failure = failures.first(where: { $0.meaning != .absent }) { throw exchange.storeError(failure) }
  }

  private static func escaped(_ text: String) -> String {
    var escaped = ""
    for scalar in text.unicodeScalars {
      switch scalar {
      case "&": escaped += "&amp;"
      case "<": escaped += "&lt;"
      case ">": escaped += "&gt;"
      default: escaped.unicodeScalars.append(scalar)
      }
    }
    return escaped
  }
}
