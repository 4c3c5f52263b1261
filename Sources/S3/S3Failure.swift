// What an error reply of S3 means to a caller: one table by error code, then by status where the code is missing or
// unknown. (Amazon S3 API reference, "Error responses", and the codes that MinIO, Ceph, R2 and SeaweedFS add.)

import HTTPModel
import HTTPTypes
import ObjectStore
import Primitives

/// A reply that is no success.
struct S3Failure: Error, Sendable {
  enum Meaning: Sendable, Equatable {
    case absent
    /// A 404 without S3's error document: the reply to a HEAD, or of a proxy that has no route.
    case unexplainedAbsence
    case conditionFailed
    case unavailable
    case misconfigured
    case rejected
    /// The signature's time is too far from the store's.
    case skewed
    /// The bucket is in another region.
    case elsewhere
  }

  let status: Int
  /// Empty where the reply had none, as for HEAD.
  let code: String
  let message: String
  /// The bucket's region, where the reply tells it.
  let region: String?
  let retryAfterSeconds: Int?
  /// The store's clock, seconds since 1970.
  let date: Int64?

  init(
    status: Int, code: String, message: String, region: String? = nil, retryAfterSeconds: Int? = nil, date: Int64? = nil
  ) {
    self.status = status
    self.code = code
    self.message = message
    self.region = region
    self.retryAfterSeconds = retryAfterSeconds
    self.date = date
  }

  /// From any reply, also a 200 with an error document. Of the document only code, message and region are taken: others
  /// may repeat what was signed.
  init(status: Int, fields: HTTPFields, body: [UInt8], now: Int64) {
    let document = try? XMLElement(parsing: body)
    let error = document?.name == "Error" ? document : document?.children.first { $0.name == "Error" }
    let date = fields[.date].flatMap(HTTPDate.parse)
    self.init(
      status: status, code: Self.printable(error?["Code"] ?? ""), message: Self.printable(error?["Message"] ?? ""),
      region: [fields[.bucketRegion], error?["Region"]].compactMap { $0 }.first(where: Self.isRegion),
      retryAfterSeconds: Self.retryAfter(fields[.retryAfter], date: date ?? now), date: date)
  }

  var meaning: Meaning {
    if let known = Self.meanings[code] { return known }
    switch status {
    case 301, 302, 307, 308: return .elsewhere
    case 401, 403: return .misconfigured
    case 404: return code.isEmpty ? .unexplainedAbsence : .rejected
    case 412: return .conditionFailed
    case 408, 409, 425, 429: return .unavailable
    case 501, 505: return .rejected
    case 500...599, 200...299: return .unavailable
    default: return .rejected
    }
  }

  /// The cause for people: `403 AccessDenied: Access Denied.`
  var cause: String {
    let name = code.isEmpty ? "HTTP \(status)" : "\(status) \(code)"
    return message.isEmpty ? name : "\(name): \(message)"
  }

  private static func isRegion(_ text: String) -> Bool {
    (1...32).contains(text.utf8.count)
      && text.utf8.allSatisfy { $0 >= 0x61 && $0 <= 0x7A || $0 >= 0x30 && $0 <= 0x39 || $0 == 0x2D }
  }

  /// RFC 9110, 10.2.3: seconds or a date.
  private static func retryAfter(_ value: String?, date now: Int64) -> Int? {
    guard let value else { return nil }
    if let seconds = Int(value), seconds >= 0 { return seconds }
    return HTTPDate.parse(value).map { Int(max($0 - now, 0)) }
  }

  /// Text of another host, for a log line: short and without control characters.
  private static func printable(_ text: String) -> String {
    String(decoding: text.utf8.prefix(200).map { $0 < 0x20 || $0 == 0x7F ? 0x20 : $0 }, as: UTF8.self)
  }

  private static let meanings: [String: Meaning] = {
    let table: [(Meaning, [String])] = [
      (.absent, ["NoSuchKey", "NoSuchVersion"]),
      (.conditionFailed, ["PreconditionFailed"]),
      (
        .unavailable,
        [
          "SlowDown", "SlowDownRead", "SlowDownWrite", "ServiceUnavailable", "InternalError", "Throttling",
          "ThrottlingException", "TooManyRequests", "TooManyRequestsException", "RequestLimitExceeded",
          "RequestTimeout",
          "OperationAborted", "ConditionalRequestConflict", "BadDigest", "XAmzContentSHA256Mismatch",
          "XAmzContentChecksumMismatch", "IncompleteBody", "ServerBusy", "Busy",
        ]
      ),
      (
        .misconfigured,
        [
          "NoSuchBucket", "AccessDenied", "InvalidAccessKeyId", "SignatureDoesNotMatch", "InvalidToken", "ExpiredToken",
          "TokenRefreshRequired", "InvalidSecurity", "NotSignedUp", "AccountProblem", "AllAccessDisabled",
          "InvalidBucketName", "AuthorizationQueryParametersError", "CredentialsNotSupported", "UnauthorizedAccess",
          "KMS.DisabledException", "KMS.NotFoundException", "KMS.InvalidStateException", "MethodNotAllowed",
        ]
      ),
      (
        .rejected,
        [
          "NotImplemented", "EntityTooLarge", "EntityTooSmall", "KeyTooLongError", "InvalidArgument", "InvalidRequest",
          "InvalidURI", "InvalidRange", "InvalidDigest", "MalformedXML", "InvalidObjectState", "MissingContentLength",
        ]
      ),
      (.skewed, ["RequestTimeTooSkewed"]),
      (
        .elsewhere,
        [
          "PermanentRedirect", "TemporaryRedirect", "Redirect", "AuthorizationHeaderMalformed",
          "IllegalLocationConstraintException",
        ]
      ),
    ]
    return Dictionary(uniqueKeysWithValues: table.flatMap { meaning, codes in codes.map { ($0, meaning) } })
  }()
}
