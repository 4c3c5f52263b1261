// From settings and region to the host and path of a request. All names of objects in the bucket are made here.

import HTTPModel

struct S3Address: Sendable {
  let origin: Origin
  /// Percent-encoded, without a slash at the end; empty where the host names the bucket.
  private let bucketPath: String
  private let prefix: String

  init(_ settings: S3Settings, region: String) {
    let bucket = settings.location.bucket
    let endpoint = Self.endpoint(settings, region: region)
    // Elsewhere a host may begin with the bucket's name by chance: storage.googleapis.com.
    let isNamedAlready =
      endpoint.host.hasPrefix("\(bucket).")
      && (settings.addressing == .virtualHost || (Self.isAWS(endpoint.host) && endpoint.host.hasPrefix("\(bucket).s3")))
    let isVirtual =
      switch settings.addressing {
      case .path: false
      case .virtualHost: true
      case .auto: Self.isAWS(endpoint.host) && !(endpoint.isTLS && bucket.contains("."))
      }
    if isNamedAlready && settings.addressing != .path {
      origin = endpoint
      bucketPath = ""
    } else if isVirtual {
      origin = Origin(isTLS: endpoint.isTLS, host: "\(bucket).\(endpoint.host)", port: endpoint.port)
      bucketPath = ""
    } else {
      origin = endpoint
      bucketPath = "/" + PercentEncoding.encode(bucket.utf8)
    }
    prefix = settings.location.prefix
  }

  var bucket: String { bucketPath.isEmpty ? "/" : bucketPath }

  func object(_ key: String) -> String {
    "\(bucketPath)/\(PercentEncoding.encode(name(of: key).utf8, keepingSlashes: true))"
  }

  /// The object's key in the bucket.
  func name(of key: String) -> String { prefix.isEmpty ? key : "\(prefix)/\(key)" }

  /// The key of a name in the bucket; nil where it is not below the prefix.
  func key(of name: String) -> String? {
    if prefix.isEmpty { return name }
    guard name.utf8.starts(with: "\(prefix)/".utf8) else { return nil }
    return String(Substring(name.utf8.dropFirst(prefix.utf8.count + 1)))
  }

  static func isAWS(_ host: String) -> Bool {
    host.hasSuffix(".amazonaws.com") || host.hasSuffix(".amazonaws.com.cn")
  }

  /// AWS's regional endpoint where none is set, or where the one set is the regional endpoint of another region.
  private static func endpoint(_ settings: S3Settings, region: String) -> Origin {
    let domain = region.hasPrefix("cn-") ? "amazonaws.com.cn" : "amazonaws.com"
    let regional = Origin(isTLS: settings.endpoint?.isTLS ?? true, host: "s3.\(region).\(domain)", port: 443)
    guard let endpoint = settings.endpoint else { return regional }
    let parts = endpoint.host.split(separator: ".")
    let isRegional = isAWS(endpoint.host) && parts.first == "s3" && parts.count <= 5 && endpoint.port == 443
    return isRegional && region != settings.region ? regional : endpoint
  }
}
