// Which bucket, where, and how it is addressed.

import HTTPModel
import ObjectStore

/// `s3://bucket/prefix`.
package struct S3Location: Sendable, Equatable {
  package let bucket: String
  /// Without slashes at its ends; empty for none.
  package let prefix: String

  package init(bucket: String, prefix: String = "") {
    self.bucket = bucket
    self.prefix = prefix
  }

  /// Throws `.misconfigured` with the rule that `url` breaks (Amazon S3, "General purpose bucket naming rules", read
  /// loosely enough for the names that other stores allow).
  package static func parse(_ url: String) throws(ObjectStoreError) -> S3Location {
    guard url.hasPrefix("s3://") else { throw .misconfigured("'\(url)' is not of the form s3://bucket/prefix") }
    let parts = url.dropFirst(5).split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
    let bucket = String(parts.first ?? "")
    let isValid = bucket.utf8.allSatisfy { byte in
      switch byte {
      case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
        UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"):
        true
      default: false
      }
    }
    guard isValid, (3...63).contains(bucket.utf8.count), !bucket.hasPrefix("."), !bucket.contains("..") else {
      throw .misconfigured("'\(bucket)' is no bucket name: 3 to 63 letters, digits, '-', '.' or '_'")
    }
    var prefix = parts.count > 1 ? String(parts[1]) : ""
    if prefix.hasSuffix("/") { prefix.removeLast() }
    if !prefix.isEmpty {
      do throws(ObjectStoreError) { try ObjectKey.check(prefix) } catch {
        throw .misconfigured("the prefix of '\(url)': \(error.message)")
      }
    }
    return S3Location(bucket: bucket, prefix: prefix)
  }
}

package enum S3Endpoint {
  /// `http://host`, `https://host:port`, with `[...]` around an IPv6 address. Throws `.misconfigured`.
  package static func parse(_ url: String) throws(ObjectStoreError) -> Origin {
    let problem = ObjectStoreError.misconfigured("the endpoint '\(url)' is not of the form https://host:port")
    let isTLS = url.hasPrefix("https://")
    guard isTLS || url.hasPrefix("http://") else { throw problem }
    var rest = url.dropFirst(isTLS ? 8 : 7)
    if rest.hasSuffix("/") { rest = rest.dropLast() }
    var host = rest
    var port = isTLS ? 443 : 80
    let isLiteral = rest.hasPrefix("[")
    if let colon = rest.lastIndex(of: ":"), !isLiteral || rest[rest.index(before: colon)] == "]" {
      guard let given = Int(rest[rest.index(after: colon)...]), (1...65535).contains(given) else { throw problem }
      port = given
      host = rest[..<colon]
    }
    if isLiteral {
      guard host.hasSuffix("]") else { throw problem }
      host = host.dropFirst().dropLast()
    }
    let isHost = host.utf8.allSatisfy { byte in
      byte | 0x20 >= 0x61 && byte | 0x20 <= 0x7A || byte >= 0x30 && byte <= 0x39 || byte == 0x2D || byte == 0x2E
        || byte == 0x5F || isLiteral && byte == 0x3A
    }
    guard !host.isEmpty, isHost else { throw problem }
    return Origin(isTLS: isTLS, host: host.lowercased(), port: port)
  }
}

/// `storage.s3.path_style`.
package enum S3Addressing: Sendable, Equatable {
  /// The bucket in the host name for AWS (unless it has a dot, which no wildcard certificate covers), in the path
  /// elsewhere.
  case auto
  case path
  case virtualHost
}

/// `storage.s3.sse`.
package enum S3Encryption: Sendable, Equatable {
  /// As the bucket's own default says.
  case none
  case aes256
  case kms(keyID: String?)
}

package struct S3Settings: Sendable {
  package var location: S3Location
  /// nil: AWS, in `region`.
  package var endpoint: Origin?
  package var region: String
  package var addressing: S3Addressing
  package var encryption: S3Encryption
  /// For one try, its body not counted: large bodies get a second more for each MiB.
  package var requestDeadline: Duration

  package init(
    location: S3Location, endpoint: Origin? = nil, region: String = "us-east-1", addressing: S3Addressing = .auto,
    encryption: S3Encryption = .none, requestDeadline: Duration = .seconds(30)
  ) {
    self.location = location
    self.endpoint = endpoint
    self.region = region
    self.addressing = addressing
    self.encryption = encryption
    self.requestDeadline = requestDeadline
  }
}
