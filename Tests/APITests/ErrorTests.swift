import API
import EventStore
import HTTPModel
import HTTPTypes
import Primitives
import Testing

@Suite struct ErrorTests {
  @Test func problem_HasTheShapeOfTheContract() throws {
    let problem = Problem(
      .validation, "Invalid request body", details: [FieldError(field: "callId", message: "callId is required")])
    let expected = """
      {"type":"about:blank","title":"Bad Request","status":400,"detail":"callId is required","requestId":"req_1",\
      "error":{"code":"VALIDATION_ERROR","message":"Invalid request body",\
      "details":[{"field":"callId","message":"callId is required"}]}}
      """
    #expect(String(decoding: problem.document(requestID: "req_1"), as: UTF8.self) == expected)
    let response = problem.response(requestID: "req_1")
    #expect(response.status.code == 400)
    #expect(response.fields[.contentType] == "application/problem+json")
    #expect(response.fields[.cacheControl] == "no-store")
  }

  @Test func problem_StaysJSON_WhateverIsInIt() throws {
    let hostile = "\"\\\u{0}\u{1b}\r\n\u{2028}</script>"
    let problem = Problem(.validation, hostile, details: [FieldError(field: hostile, message: hostile)])
    let value = try JSONValue(parsing: problem.document(requestID: hostile))
    #expect(value["detail"]?.stringValue == hostile)
    #expect(value["requestId"]?.stringValue == hostile)
    #expect(value["error"]?["details"]?.arrayValue?.first?["field"]?.stringValue == hostile)
  }

  /// CONTRACT 3, the list of codes.
  @Test func codes_HaveTheStatusesOfTheContract() {
    let contract = [
      "VALIDATION_ERROR": 400, "MALFORMED_REQUEST": 400, "UNAUTHORIZED": 401, "FORBIDDEN": 403, "NOT_FOUND": 404,
      "METHOD_NOT_ALLOWED": 405, "NOT_ACCEPTABLE": 406, "REQUEST_TIMEOUT": 408, "CONFLICT": 409, "ERASED": 409,
      "ARCHIVED": 409, "GONE": 410, "PAYLOAD_TOO_LARGE": 413, "URI_TOO_LONG": 414, "UNSUPPORTED_MEDIA_TYPE": 415,
      "EXPECTATION_FAILED": 417, "IDEMPOTENCY_MISMATCH": 422, "NOT_STORED": 424, "HEADERS_TOO_LARGE": 431,
      "RATE_LIMITED": 429, "INTERNAL_ERROR": 500, "NOT_IMPLEMENTED": 501, "STORE_UNAVAILABLE": 503,
      "SHUTTING_DOWN": 503, "HTTP_VERSION_NOT_SUPPORTED": 505,
    ]
    let ours = Dictionary(uniqueKeysWithValues: ErrorCode.allCases.map { ($0.rawValue, $0.status) })
    #expect(ours == contract)
  }

  @Test(arguments: [
    (400, "MALFORMED_REQUEST"), (408, "REQUEST_TIMEOUT"), (413, "PAYLOAD_TOO_LARGE"), (414, "URI_TOO_LONG"),
    (417, "EXPECTATION_FAILED"), (431, "HEADERS_TOO_LARGE"), (501, "NOT_IMPLEMENTED"), (503, "STORE_UNAVAILABLE"),
    (505, "HTTP_VERSION_NOT_SUPPORTED"), (599, "INTERNAL_ERROR"),
  ])
  func refuse_TurnsARefusalOfTheTransportIntoAProblem(_ status: Int, _ code: String) throws {
    let response = try Service().handler.refuse(Refusal(status: status, reason: "a reason"), requestID: "req_9")
    #expect(response.code == code)
    #expect(response.status.code == (status == 599 ? 500 : status))
    #expect(try response.json()["detail"]?.stringValue == "a reason")
    #expect(try response.json()["requestId"]?.stringValue == "req_9")
  }
}
