// The API in memory (rung 2 of the ladder): requests as values in, responses as values out, no socket.

import API
import Auth
import EventStore
import Glibc
import HTTPModel
import HTTPTypes
import Logging
import Observability
import Primitives
import TestSupport
import Testing

typealias Lines = [(name: String, value: String)]

extension LogOutput {
  static var silent: LogOutput { LogOutput(sink: silentSink, format: .json, level: .trace, clock: ManualClock()) }
}

/// Where logs go that no test reads: one sink for all.
private let silentSink = LogSink(descriptor: open("/dev/null", O_WRONLY), metrics: MetricRegistry())

struct Service {
  static let writer = "cfk_WRITERWRITERWRITERWRITERWRITERWRITERWRITER0"
  static let reader = "cfk_READERREADERREADERREADERREADERREADERREADER0"
  static let full = "cfk_FULLFULLFULLFULLFULLFULLFULLFULLFULLFULL000"
  static let revoked = "cfk_REVOKEDREVOKEDREVOKEDREVOKEDREVOKEDREVOKED0"
  static let expired = "cfk_EXPIREDEXPIREDEXPIREDEXPIREDEXPIREDEXPIRED0"
  static let events = "/v1/callflow/events"

  let clock = ManualClock()
  let fake: FakeEvents
  let registry = MetricRegistry()
  let readiness = Readiness()
  let authorizer: Authorizer
  let handler: APIHandler
  let admin: AdminHandler

  init(
    settings: APISettings = APISettings(), real: (any EventStoring)? = nil, output: LogOutput? = nil,
    refresher: ((Authorizer) -> KeyRefresher)? = nil
  ) throws {
    fake = FakeEvents(clock: clock)
    fake.set { $0.limits = settings.eventLimits }
    authorizer = Authorizer(keys: KeySet(try Self.document(clock.wallNanoseconds())))
    let output = output ?? LogOutput(sink: silentSink, format: .json, level: .trace, clock: clock)
    let parts = APIParts(
      events: real ?? fake, authorizer: authorizer, refresher: refresher?(authorizer), readiness: readiness,
      registry: registry, log: output, clock: clock)
    handler = APIHandler(settings: settings, parts: parts)
    admin = AdminHandler(parts: parts)
  }

  private static func document(_ now: Int64) throws -> KeysDocument {
    var document = KeysDocument()
    func add(_ name: String, _ secret: String, _ scopes: Scope, expiresAt: Int64? = nil) throws {
      let digest = try #require(KeySecret.digest(secret))
      try document.add(APIKey(name: name, digest: digest, scopes: scopes, createdAt: now - 10, expiresAt: expiresAt))
    }
    try add("writer", writer, .eventsWrite)
    try add("reader", reader, .eventsRead)
    try add("full", full, [.eventsWrite, .eventsRead, .metricsRead])
    try add("revoked", revoked, .standard)
    try add("expired", expired, .standard, expiresAt: now)
    try document.revoke("revoked", at: now)
    return document
  }

  func send(
    _ method: HTTPRequest.Method, _ target: String, key: String? = Self.full, _ lines: Lines = [], body: [UInt8] = [],
    chunked: Bool = false
  ) async -> Response {
    let lines = (key.map { [("x-api-key", $0)] } ?? []) + lines
    let body: any RequestBody = chunked ? ChunkedBody(body) : BufferedBody(body)
    let request = Request(
      head: RequestHead(method, target, lines), body: body,
      connection: ConnectionInfo(clientAddress: "192.0.2.7", isTLS: false), id: "req_test")
    return await handler.handle(request)
  }

  func get(_ target: String, key: String? = Self.full, _ lines: Lines = []) async -> Response {
    await send(.get, target, key: key, lines)
  }

  func post(
    _ body: String, type: String = "application/json", _ lines: Lines = [], query: String = ""
  ) async -> Response {
    await send(.post, Self.events + query, [("Content-Type", type)] + lines, body: Array(body.utf8))
  }

  func post(bytes: [UInt8], type: String = "application/json") async -> Response {
    await send(.post, Self.events, [("Content-Type", type)], body: bytes)
  }
}

/// A body whose length is not declared.
final class ChunkedBody: RequestBody {
  private let bytes: [UInt8]
  var declaredLength: Int? { nil }

  init(_ bytes: [UInt8]) { self.bytes = bytes }

  func next() async throws -> [UInt8]? { nil }

  func withWhole<R: Sendable>(
    maxBytes: Int, _ use: @Sendable (UnsafeRawBufferPointer) throws -> R
  ) async throws -> R {
    guard bytes.count <= maxBytes else { throw BodyError.tooLarge(limit: maxBytes) }
    return try bytes.withUnsafeBytes { try use($0) }
  }
}

extension Response {
  var bytes: [UInt8] {
    if case .bytes(let bytes) = body { bytes } else { [] }
  }

  var text: String { String(decoding: bytes, as: UTF8.self) }

  func json() throws -> JSONValue { try JSONValue(parsing: bytes) }

  /// `error.code` of a problem, or nil where there is none.
  var code: String? { (try? json())?["error"]?["code"]?.stringValue }

  /// `details[].field` of a problem.
  var fieldNames: [String] {
    (try? json())?["error"]?["details"]?.arrayValue?.compactMap { $0["field"]?.stringValue } ?? []
  }
}

enum Sample {
  /// Inside the window of the manual clock, 2026-11-21T06:45:00Z.
  static let time = "2026-11-21T06:44:59.5Z"

  static func event(
    callId: String = #""call-1""#, type: String = #""answered""#, time: String = "\"\(time)\"", more: String = ""
  ) -> String {
    #"{"callId":\#(callId),"eventType":\#(type),"timestamp":\#(time)\#(more)}"#
  }
}
