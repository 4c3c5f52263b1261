// The lines of CONTRACT 5 that the API's parts write: storer, retriever, authorizer. Good outcomes are DEBUG, because
// the access line tells of each request already; refused credentials are INFO, failures WARN or ERROR. Never a secret,
// a token or a metadata value.

import Auth
import EventStore
import HTTPModel
import Logging
import Observability
import Primitives

struct ComponentLog: Sendable {
  private let output: LogOutput
  private let clock: any Clock
  private let bucket: String?

  init(_ output: LogOutput, clock: any Clock, bucket: String?) {
    self.output = output
    self.clock = clock
    self.bucket = bucket
  }

  private func elapsed(_ context: RequestContext) -> Int64 { clock.monotonicNanoseconds() - context.started }
}

// MARK: - Storer

extension ComponentLog {
  private static let storer = "event-storer"

  /// One line an event; one for all of a batch.
  func stored(_ context: RequestContext, _ batch: EventBatch, _ durability: Durability) {
    guard var line = output.line(.debug, component: Self.storer, message: "events stored") else { return }
    line.add("requestId", context.request.id)
    if batch.count == 1 {
      line.add("eventId", batch.eventId(at: 0).description)
      line.add("eventType", batch.eventType(at: 0))
      line.add("callId", batch.callId(at: 0))
    } else {
      line.add("eventCount", batch.count)
    }
    line.add("s3Bucket", bucket)
    line.add("durability", durability.rawValue)
    line.add("processingTimeMs", millisecondsOf: elapsed(context))
    line.add("eventSize", (0..<batch.count).reduce(0) { $0 + batch.size(at: $1) })
    output.write(line)
  }

  /// A batch of which nothing was stored, because of what it holds.
  func rejected(_ context: RequestContext, _ count: Int) {
    guard var line = output.line(.debug, component: Self.storer, message: "events refused") else { return }
    line.add("requestId", context.request.id)
    line.add("eventCount", count)
    line.add("processingTimeMs", millisecondsOf: elapsed(context))
    output.write(line)
  }

  /// Refused input is the caller's affair and on the access line; what the store could not do is the operator's.
  func storeFailed(_ context: RequestContext, _ error: any Error) {
    guard !(error is Problem), var line = output.line(.error, component: Self.storer, message: "events not stored")
    else { return }
    line.add("requestId", context.request.id)
    line.add("s3Bucket", bucket)
    line.add("error", String(describing: error))
    line.add("processingTimeMs", millisecondsOf: elapsed(context))
    output.write(line)
  }
}

// MARK: - Retriever

extension ComponentLog {
  private static let retriever = "event-retriever"

  func retrieved(_ context: RequestContext, _ query: EventQuery, _ page: EventPage) {
    guard var line = output.line(.debug, component: Self.retriever, message: "events retrieved") else { return }
    line.add("requestId", context.request.id)
    line.add("query", Self.describe(query))
    line.add("resultCount", page.lines.count)
    line.add("queryTimeMs", millisecondsOf: elapsed(context))
    line.add("s3ObjectsScanned", page.segmentsScanned)
    output.write(line)
  }

  func retrievedOne(_ context: RequestContext) {
    guard var line = output.line(.debug, component: Self.retriever, message: "event retrieved") else { return }
    line.add("requestId", context.request.id)
    line.add("query", "eventId")
    line.add("resultCount", 1)
    line.add("queryTimeMs", millisecondsOf: elapsed(context))
    output.write(line)
  }

  func queryFailed(_ context: RequestContext, _ query: EventQuery, _ error: any Error) {
    readFailed(context, Self.describe(query), error)
  }

  func readFailed(_ context: RequestContext, _ query: String, _ error: any Error) {
    guard !(error is Problem), var line = output.line(.warning, component: Self.retriever, message: "read failed")
    else {
      return
    }
    line.add("requestId", context.request.id)
    line.add("query", query)
    line.add("error", String(describing: error))
    line.add("queryTimeMs", millisecondsOf: elapsed(context))
    output.write(line)
  }

  /// Parameter names with times, types and callId: what finds a slow query again.
  private static func describe(_ query: EventQuery) -> String {
    var parts: [String] = []
    if let callId = query.callId { parts.append("callId=\(String(decoding: callId, as: UTF8.self))") }
    if !query.eventTypes.isEmpty { parts.append("eventType=\(query.eventTypes.joined(separator: ","))") }
    if let start = query.start { parts.append("startTime=\(RFC3339.string(start, fractionDigits: 3))") }
    if let end = query.end { parts.append("endTime=\(RFC3339.string(end, fractionDigits: 3))") }
    parts.append("limit=\(query.limit)")
    parts.append(query.order == .ascending ? "order=asc" : "order=desc")
    if query.after != nil { parts.append("nextToken") }
    if query.isStrong { parts.append("consistency=strong") }
    return parts.joined(separator: " ")
  }
}

// MARK: - Authorizer and the rest

extension ComponentLog {
  private static let authorizer = "authorizer"

  func allowed(_ request: Request, _ principal: Principal, _ nanoseconds: Int64) {
    guard var line = output.line(.debug, component: Self.authorizer, message: "request authorized") else { return }
    line.add("requestId", request.id)
    line.add("authResult", "ALLOW")
    line.add("principalId", principal.id)
    line.add("tokenType", principal.tokenType.rawValue)
    line.add("authLatencyMs", millisecondsOf: nanoseconds)
    line.add("clientIp", request.connection.clientAddress)
    output.write(line)
  }

  func denied(_ request: Request, _ denial: Denial, _ nanoseconds: Int64) {
    guard var line = output.line(.info, component: Self.authorizer, message: "request denied") else { return }
    line.add("requestId", request.id)
    line.add("authResult", "DENY")
    line.add("principalId", denial.principalID)
    line.add("tokenType", denial.tokenType.rawValue)
    line.add("authLatencyMs", millisecondsOf: nanoseconds)
    line.add("failureReason", denial.reason.rawValue)
    line.add("clientIp", request.connection.clientAddress)
    output.write(line)
  }

  /// What answered 500: a bug, or a case that nobody thought of.
  func failed(_ request: Request, _ error: any Error) {
    guard var line = output.line(.error, component: "api", message: "request failed") else { return }
    line.add("requestId", request.id)
    line.add("error", String(describing: error))
    output.write(line)
  }
}
