// ListObjectsV2. A page is one request: `start-after` alone says where the next one begins, so no token has to be kept.

import HTTPModel
import HTTPTypes
import ObjectStore
import Primitives

extension S3ObjectStore {
  /// 1000 entries with the longest keys, every byte of them percent-encoded, take less.
  private static let maxListBytes = 8 * 1024 * 1024

  package func list(prefix: String, after: String?, limit: Int) async throws(ObjectStoreError) -> ObjectPage {
    try ObjectKey.check(limit: limit)
    let address = exchange.address
    var request = S3Request(method: .get, place: .bucket, maxReplyBytes: Self.maxListBytes)
    request.query = [
      ("list-type", "2"), ("prefix", address.name(of: prefix)), ("max-keys", String(limit)), ("encoding-type", "url"),
    ]
    // Keys above `after` in the bucket's own names are those above it here: the prefix is the same for all.
    if let after { request.query.append(("start-after", address.name(of: after))) }
    guard let reply = try await performed(request, { _ in false }) else {
      return ObjectPage(objects: [], isTruncated: false)
    }
    let document: XMLElement
    do throws(XMLReader.Malformed) {
      document = try XMLElement(parsing: reply.bytes)
    } catch {
      throw .unavailable(exchange.describe("the list is no XML: \(error.reason) at byte \(error.offset)"))
    }
    return try page(document, address, prefix: prefix, after: after, limit: limit)
  }

  private func page(
    _ document: XMLElement, _ address: S3Address, prefix: String, after: String?, limit: Int
  ) throws(ObjectStoreError) -> ObjectPage {
    guard document.name == "ListBucketResult", let truncated = document["IsTruncated"] else {
      throw .unavailable(exchange.describe("a list was asked for and a document '\(document.name)' came"))
    }
    let isEncoded = document["EncodingType"] == "url"
    var objects: [ObjectInfo] = []
    for element in document.children where element.name == "Contents" {
      guard let entry = entry(element, address, isEncoded: isEncoded) else {
        throw .unavailable(exchange.describe("an entry of the list cannot be read"))
      }
      // Folder markers that other tools leave are no objects of ours. Where a page has nothing else it must not look
      // like the end: the caller refuses an empty page that is not the last.
      if entry.key.isEmpty || entry.key.hasSuffix("/") { continue }
      objects.append(entry)
    }
    try check(objects, prefix: prefix, after: after, limit: limit)
    return ObjectPage(objects: objects, isTruncated: truncated == "true")
  }

  private func entry(_ element: XMLElement, _ address: S3Address, isEncoded: Bool) -> ObjectInfo? {
    guard let written = element["Key"], let size = element["Size"].flatMap({ Int($0) }), size >= 0 else { return nil }
    let name = isEncoded ? Self.decoded(written) : written
    guard let name, let key = address.key(of: name) else { return nil }
    let modified = element["LastModified"].flatMap { RFC3339.parse($0) } ?? 0
    return ObjectInfo(key: key, size: size, etag: element["ETag"] ?? "", modified: modified)
  }

  /// `encoding-type=url` is the encoding of forms: a space is `+`.
  private static func decoded(_ text: String) -> String? {
    let spaced = String(decoding: text.utf8.map { $0 == UInt8(ascii: "+") ? 0x20 : $0 }, as: UTF8.self)
    return String(validating: PercentEncoding.decode(spaced), as: UTF8.self)
  }

  /// A store that lists in another order than that of the bytes would make the next page skip keys: better an error
  /// than a gap.
  private func check(
    _ objects: [ObjectInfo], prefix: String, after: String?, limit: Int
  ) throws(ObjectStoreError) {
    var last = after.map { Array($0.utf8) } ?? []
    for object in objects {
      let key = Array(object.key.utf8)
      guard key.starts(with: prefix.utf8), last.isBefore(key) else {
        throw .rejected(exchange.describe("the list is not in the order of keys at '\(object.key)'"))
      }
      last = key
    }
    guard objects.count <= limit else { throw .rejected(exchange.describe("the list is longer than asked for")) }
  }
}
