// The one table of errors (CONTRACT 3): what a code means as HTTP status. Nothing else in the program decides a status
// of a failure.

import HTTPTypes

package enum ErrorCode: String, Sendable, CaseIterable {
  case validation = "VALIDATION_ERROR"
  case malformedRequest = "MALFORMED_REQUEST"
  case unauthorized = "UNAUTHORIZED"
  case forbidden = "FORBIDDEN"
  case notFound = "NOT_FOUND"
  case methodNotAllowed = "METHOD_NOT_ALLOWED"
  case notAcceptable = "NOT_ACCEPTABLE"
  case requestTimeout = "REQUEST_TIMEOUT"
  case conflict = "CONFLICT"
  case erased = "ERASED"
  case archived = "ARCHIVED"
  case gone = "GONE"
  case payloadTooLarge = "PAYLOAD_TOO_LARGE"
  case uriTooLong = "URI_TOO_LONG"
  case unsupportedMediaType = "UNSUPPORTED_MEDIA_TYPE"
  case expectationFailed = "EXPECTATION_FAILED"
  case idempotencyMismatch = "IDEMPOTENCY_MISMATCH"
  case notStored = "NOT_STORED"
  case rateLimited = "RATE_LIMITED"
  case headersTooLarge = "HEADERS_TOO_LARGE"
  case internalError = "INTERNAL_ERROR"
  case notImplemented = "NOT_IMPLEMENTED"
  case storeUnavailable = "STORE_UNAVAILABLE"
  case shuttingDown = "SHUTTING_DOWN"
  case versionNotSupported = "HTTP_VERSION_NOT_SUPPORTED"

  /// Titles are the status phrases of RFC 9110 and its companions: with `about:blank` RFC 9457 wants exactly them.
  private static let table: [ErrorCode: (status: Int, title: String)] = [
    .validation: (400, "Bad Request"),
    .malformedRequest: (400, "Bad Request"),
    .unauthorized: (401, "Unauthorized"),
    .forbidden: (403, "Forbidden"),
    .notFound: (404, "Not Found"),
    .methodNotAllowed: (405, "Method Not Allowed"),
    .notAcceptable: (406, "Not Acceptable"),
    .requestTimeout: (408, "Request Timeout"),
    .conflict: (409, "Conflict"),
    .erased: (409, "Conflict"),
    .archived: (409, "Conflict"),
    .gone: (410, "Gone"),
    .payloadTooLarge: (413, "Content Too Large"),
    .uriTooLong: (414, "URI Too Long"),
    .unsupportedMediaType: (415, "Unsupported Media Type"),
    .expectationFailed: (417, "Expectation Failed"),
    .idempotencyMismatch: (422, "Unprocessable Content"),
    .notStored: (424, "Failed Dependency"),
    .rateLimited: (429, "Too Many Requests"),
    .headersTooLarge: (431, "Request Header Fields Too Large"),
    .internalError: (500, "Internal Server Error"),
    .notImplemented: (501, "Not Implemented"),
    .storeUnavailable: (503, "Service Unavailable"),
    .shuttingDown: (503, "Service Unavailable"),
    .versionNotSupported: (505, "HTTP Version Not Supported"),
  ]

  private var row: (status: Int, title: String) { Self.table[self] ?? (500, "Internal Server Error") }
  package var status: Int { row.status }
  package var title: String { row.title }

  /// The code of a refusal that the transport decided by status.
  init(transportStatus status: Int) {
    switch status {
    case 400: self = .malformedRequest
    case 503: self = .storeUnavailable
    default: self = Self.allCases.first { $0.status == status } ?? .internalError
    }
  }
}
