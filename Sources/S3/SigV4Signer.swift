// AWS Signature Version 4, as a pure value: date, credentials and body hash are given, nothing is read from anywhere.
// The private steps have the names of AWS's document ("Create a signed AWS API request", IAM User Guide): canonical
// request, string to sign, signing key, signature; each stage is visible in the result, for tests and for the
// explanation of a refused signature.

import Crypto
import ObjectStore
import Primitives

package struct SigV4Signer: Sendable {
  /// How services differ.
  package struct Options: Sendable {
    /// Resolve `.`, `..` and empty segments of the path (every service but S3).
    package var normalizesPath: Bool
    /// Percent-encode the path as it goes on the wire once more (every service but S3).
    package var encodesPath: Bool
    /// Send the body's hash as `x-amz-content-sha256` (header mode; S3 demands it).
    package var sendsBodyHash: Bool
    /// Leave the session token out of the signature: it is added to the request afterwards.
    package var omitsSessionToken: Bool

    package init(
      normalizesPath: Bool = true, encodesPath: Bool = true, sendsBodyHash: Bool = false,
      omitsSessionToken: Bool = false
    ) {
      self.normalizesPath = normalizesPath
      self.encodesPath = encodesPath
      self.sendsBodyHash = sendsBodyHash
      self.omitsSessionToken = omitsSessionToken
    }

    package static let s3 = Options(normalizesPath: false, encodesPath: false, sendsBodyHash: true)
  }

  package struct Request: Sendable {
    package var method: String
    /// Path and query as they go on the wire.
    package var path: String
    package var query: String
    /// All of them are signed; `host` must be among them.
    package var fields: [(name: String, value: String)]
    /// SHA-256 of the body in lower-case hex, or `UNSIGNED-PAYLOAD`.
    package var bodyHash: String

    package init(
      method: String, path: String, query: String, fields: [(name: String, value: String)], bodyHash: String
    ) {
      self.method = method
      self.path = path
      self.query = query
      self.fields = fields
      self.bodyHash = bodyHash
    }
  }

  package struct Signature: Sendable {
    package var canonicalRequest: String
    package var stringToSign: String
    /// 64 hex digits.
    package var signature: String
    /// Header mode: what to add to the request, `Authorization` last.
    package var addedFields: [(name: String, value: String)]
    /// Query mode: the whole query of the request.
    package var query: String
  }

  /// SHA-256 of nothing.
  package static let emptyBodyHash = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
  package static let unsignedPayload = "UNSIGNED-PAYLOAD"
  private static let algorithm = "AWS4-HMAC-SHA256"
  private let credentials: S3Credentials
  private let region: String
  private let service: String
  private let options: Options

  package init(credentials: S3Credentials, region: String, service: String = "s3", options: Options = .s3) {
    self.credentials = credentials
    self.region = region
    self.service = service
    self.options = options
  }

  /// Header mode. `seconds`: the time of signing since 1970.
  package func sign(_ request: Request, at seconds: Int64) throws(CryptoError) -> Signature {
    let date = AmzDate.string(seconds: seconds)
    let token = credentials.sessionToken.map { [(name: "X-Amz-Security-Token", value: $0)] } ?? []
    var added: [(name: String, value: String)] = [("X-Amz-Date", date)]
    if options.sendsBodyHash { added.append(("x-amz-content-sha256", request.bodyHash)) }
    let fields = Self.canonicalFields(request.fields + added + (options.omitsSessionToken ? [] : token))
    let canonical = canonicalRequest(request, query: Self.parameters(of: request.query), fields)
    let toSign = try stringToSign(canonical, date)
    let signature = try signature(of: toSign, date)
    let authorization =
      "\(Self.algorithm) Credential=\(credentials.accessKeyID)/\(scope(date)), SignedHeaders=\(fields.names), "
      + "Signature=\(signature)"
    return Signature(
      canonicalRequest: canonical, stringToSign: toSign, signature: signature,
      addedFields: token + added + [("Authorization", authorization)], query: request.query)
  }

  /// Query mode: a URL that carries its own permission for `lifetimeSeconds` (1 to 604800).
  package func presign(
    _ request: Request, at seconds: Int64, lifetimeSeconds: Int
  ) throws(CryptoError) -> Signature {
    let date = AmzDate.string(seconds: seconds)
    let fields = Self.canonicalFields(request.fields)
    var added: [(name: String, value: String)] = [
      ("X-Amz-Algorithm", Self.algorithm), ("X-Amz-Credential", "\(credentials.accessKeyID)/\(scope(date))"),
      ("X-Amz-Date", date), ("X-Amz-SignedHeaders", fields.names), ("X-Amz-Expires", String(lifetimeSeconds)),
    ]
    let token = credentials.sessionToken.map { [(name: "X-Amz-Security-Token", value: $0)] } ?? []
    if !options.omitsSessionToken { added += token }
    let encoded = added.map { (Self.encode($0.name), Self.encode($0.value)) }
    let canonical = canonicalRequest(request, query: Self.parameters(of: request.query) + encoded, fields)
    let toSign = try stringToSign(canonical, date)
    let signature = try signature(of: toSign, date)
    if options.omitsSessionToken { added += token }
    added.append(("X-Amz-Signature", signature))
    let own = added.map { "\(Self.encode($0.name))=\(Self.encode($0.value))" }.joined(separator: "&")
    return Signature(
      canonicalRequest: canonical, stringToSign: toSign, signature: signature, addedFields: [],
      query: request.query.isEmpty ? own : "\(request.query)&\(own)")
  }
}

// MARK: - Task 1: the canonical request

extension SigV4Signer {
  private func canonicalRequest(
    _ request: Request, query: [(name: String, value: String)], _ fields: (lines: String, names: String)
  ) -> String {
    let sorted = query.sorted { left, right in
      left.name == right.name
        ? Array(left.value.utf8).isBefore(Array(right.value.utf8))
        : Array(left.name.utf8).isBefore(Array(right.name.utf8))
    }
    let canonicalQuery = sorted.map { "\($0.name)=\($0.value)" }.joined(separator: "&")
    return """
      \(request.method)
      \(canonicalPath(request.path))
      \(canonicalQuery)
      \(fields.lines)
      \(fields.names)
      \(request.bodyHash)
      """
  }

  private func canonicalPath(_ path: String) -> String {
    let path = options.normalizesPath ? Self.normalized(path) : (path.isEmpty ? "/" : path)
    return options.encodesPath ? PercentEncoding.encode(path.utf8, keepingSlashes: true) : path
  }

  /// Without empty and `.` segments, `..` taking its predecessor with it (RFC 3986, 6). A slash at the end stays.
  private static func normalized(_ path: String) -> String {
    var kept: [Substring] = []
    let segments = path.split(separator: "/", omittingEmptySubsequences: false)
    for segment in segments where !segment.isEmpty && segment != "." {
      if segment == ".." { _ = kept.popLast() } else { kept.append(segment) }
    }
    let isFolder = segments.last.map { $0.isEmpty } ?? false
    return "/" + kept.joined(separator: "/") + (isFolder && !kept.isEmpty ? "/" : "")
  }

  /// Names and values decoded and encoded again, because the wire may have any equivalent form.
  private static func parameters(of query: String) -> [(name: String, value: String)] {
    query.split(separator: "&").map { parameter in
      let parts = parameter.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
      let value = parts.count > 1 ? PercentEncoding.decode(parts[1]) : []
      return (PercentEncoding.encode(PercentEncoding.decode(parts[0])), PercentEncoding.encode(value))
    }
  }

  /// One line a name, sorted, repeated names joined by commas; each value trimmed, runs of white space made one space.
  private static func canonicalFields(_ fields: [(name: String, value: String)]) -> (lines: String, names: String) {
    var values: [String: [String]] = [:]
    for field in fields { values[field.name.lowercased(), default: []].append(trimmed(field.value)) }
    let sorted = values.sorted { Array($0.key.utf8).isBefore(Array($1.key.utf8)) }
    let lines = sorted.map { "\($0.key):\($0.value.joined(separator: ","))\n" }.joined()
    return (lines, sorted.map(\.key).joined(separator: ";"))
  }

  private static func trimmed(_ value: String) -> String {
    let words = value.utf8.split { $0 == 0x20 || $0 == 0x09 || $0 == 0x0A || $0 == 0x0D }
    return words.map { String(Substring($0)) }.joined(separator: " ")
  }

  private static func encode(_ text: String) -> String { PercentEncoding.encode(text.utf8) }
}

// MARK: - Tasks 2 to 4: string to sign, signing key, signature

extension SigV4Signer {
  private func scope(_ date: String) -> String { "\(date.prefix(8))/\(region)/\(service)/aws4_request" }

  private func stringToSign(_ canonicalRequest: String, _ date: String) throws(CryptoError) -> String {
    let hash = try SHA256.hash(Array(canonicalRequest.utf8))
    return "\(Self.algorithm)\n\(date)\n\(scope(date))\n\(Hex.string(hash))"
  }

  private func signingKey(_ date: String) throws(CryptoError) -> [UInt8] {
    var key = Array("AWS4\(credentials.secretAccessKey)".utf8)
    for step in [String(date.prefix(8)), region, service, "aws4_request"] {
      key = try HMACSHA256.authenticate(Array(step.utf8), key: key)
    }
    return key
  }

  private func signature(of stringToSign: String, _ date: String) throws(CryptoError) -> String {
    Hex.string(try HMACSHA256.authenticate(Array(stringToSign.utf8), key: try signingKey(date)))
  }
}
