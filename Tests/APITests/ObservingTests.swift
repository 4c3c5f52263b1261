import API
import EventStore
import Foundation
import Glibc
import HTTPModel
import HTTPTypes
import Logging
import Observability
import Primitives
import TestSupport
import Testing

/// Log lines as they leave the process, read back from a file.
private final class CapturedLog {
  let output: LogOutput
  private let folder = TemporaryFolder()
  private let sink: LogSink
  private let descriptor: Int32

  init(level: Logger.Level = .trace) {
    descriptor = open(folder.file("log"), O_WRONLY | O_CREAT, 0o600)
    sink = LogSink(descriptor: descriptor, metrics: MetricRegistry())
    output = LogOutput(sink: sink, format: .json, level: level, clock: ManualClock())
  }

  deinit { close(descriptor) }

  /// Ends the log.
  func lines() throws -> [JSONValue] {
    #expect(sink.close(within: .seconds(10)))
    let bytes = [UInt8](try Data(contentsOf: URL(fileURLWithPath: folder.file("log"))))
    return try bytes.split(separator: 0x0A).map { try JSONValue(parsing: Array($0)) }
  }
}

@Suite struct ObservingTests {
  private func exchange(
    _ head: RequestHead?, status: Int = 200, notes: ExchangeNotes = ExchangeNotes()
  ) -> Exchange {
    Exchange(
      head: head, requestID: "req_1", clientAddress: "192.0.2.7", status: status, bytesIn: 11, bytesOut: 22,
      nanosecondsToFirstByte: 2_000_000, nanosecondsToLastByte: 3_456_789, notes: notes)
  }

  @Test func accessLine_HasTheFieldsOfTheContract() throws {
    let captured = CapturedLog()
    let log = AccessLog(
      router: Router(RouteTable.main(basePath: "/v1")), registry: MetricRegistry(), output: captured.output)
    let head = RequestHead(.get, "/v1/callflow/events?callId=secret", [("User-Agent", "curl/7 \u{1b}[31m\"x")])
    log.exchangeEnded(
      exchange(head, notes: ExchangeNotes(route: "/v1/callflow/events", routeIndex: 1, principal: "key:a")))
    let line = try #require(try captured.lines().first)
    #expect(
      line == [
        "timestamp": "2026-11-21T06:45:00.000Z", "level": "INFO", "component": "api", "message": "request",
        "requestId": "req_1", "method": "GET", "path": "/v1/callflow/events", "route": "/v1/callflow/events",
        "status": 200, "bytesIn": 11, "bytesOut": 22, "durationMs": .number("3.456"), "clientIp": "192.0.2.7",
        "principalId": "key:a", "userAgent": "curl/7 \u{1b}[31m\"x",
      ])
  }

  @Test func accessLine_IsWritten_ForInputThatNeverBecameARequest() throws {
    let captured = CapturedLog()
    let registry = MetricRegistry()
    let log = AccessLog(router: Router(RouteTable.main(basePath: "/v1")), registry: registry, output: captured.output)
    log.exchangeEnded(exchange(nil, status: 400))
    let line = try #require(try captured.lines().first)
    #expect(line["route"]?.stringValue == "unmatched")
    #expect(line["method"] == nil && line["path"] == nil)
    #expect(
      registry.renderText().contains(
        #"callflow_http_requests_total{method="OTHER",route="unmatched",status="400"} 1"#))
  }

  @Test func requests_AreCounted_ByRouteMethodAndStatus() async throws {
    let captured = CapturedLog(level: .error)
    let registry = MetricRegistry()
    let service = try Service()
    let log = AccessLog(router: service.handler.router, registry: registry, output: captured.output)
    let tries: [(HTTPRequest.Method, String, Int)] = [
      (.get, "/health", 3), (.get, "/health?x=1", 2), (.get, Service.events + "/x", 2), (.post, Service.events, 1),
      (.delete, Service.events, 1),
      (.get, "/none", 4), (try #require(HTTPRequest.Method("BREW")), "/coffee", 2),
    ]
    for (method, path, count) in tries {
      for _ in 0..<count {
        let response = await service.send(method, path)
        log.exchangeEnded(
          exchange(RequestHead(method, path), status: response.status.code, notes: response.notes))
      }
    }
    let text = registry.renderText()
    for line in [
      #"callflow_http_requests_total{method="GET",route="/health",status="200"} 3"#,
      #"callflow_http_requests_total{method="GET",route="/health",status="400"} 2"#,
      #"callflow_http_requests_total{method="GET",route="/v1/callflow/events/{eventId}",status="400"} 2"#,
      #"callflow_http_requests_total{method="POST",route="/v1/callflow/events",status="415"} 1"#,
      #"callflow_http_requests_total{method="DELETE",route="/v1/callflow/events",status="405"} 1"#,
      #"callflow_http_requests_total{method="GET",route="unmatched",status="404"} 4"#,
      #"callflow_http_requests_total{method="OTHER",route="unmatched",status="404"} 2"#,
      #"callflow_http_request_duration_seconds_count{method="GET",route="/health"} 5"#,
    ] {
      #expect(text.contains(line + "\n"), "\(line)")
    }
    #expect(try captured.lines().isEmpty)
  }

  @Test func statusesThatNobodyPlanned_AreCountedToo() {
    let registry = MetricRegistry()
    let metrics = RequestMetrics(registry, routes: ["/a"])
    for status in [599, 42, 299, 299] {
      metrics.count(route: 7, method: .get, status: status, nanosecondsToFirstByte: 1)
    }
    #expect(
      registry.renderText().contains(#"callflow_http_requests_total{method="GET",route="unmatched",status="299"} 2"#))
  }

  @Test func authorizerLines_TellWhoAndWhy_AndNeverTheToken() async throws {
    let captured = CapturedLog()
    let service = try Service(output: captured.output)
    _ = await service.get(Service.events)
    _ = await service.get(Service.events, key: Service.revoked)
    _ = await service.get(Service.events, key: Service.writer)
    _ = await service.get(Service.events, key: nil)
    let all = try captured.lines()
    let lines = all.filter { $0["component"]?.stringValue == "authorizer" }
    #expect(lines.map { $0["authResult"]?.stringValue } == ["ALLOW", "DENY", "DENY", "DENY"])
    #expect(lines.map { $0["level"]?.stringValue } == ["DEBUG", "INFO", "INFO", "INFO"])
    #expect(lines.map { $0["failureReason"]?.stringValue } == [nil, "REVOKED", "INSUFFICIENT_SCOPE", "NO_TOKEN"])
    #expect(lines.map { $0["principalId"]?.stringValue } == ["key:full", "key:revoked", "key:writer", nil])
    #expect(lines.map { $0["tokenType"]?.stringValue } == ["api_key", "api_key", "api_key", "none"])
    #expect(lines.allSatisfy { $0["clientIp"]?.stringValue == "192.0.2.7" && $0["authLatencyMs"] != nil })
    #expect(!all.contains { String(decoding: $0.serialized(), as: UTF8.self).contains("cfk_") })
    let text = service.registry.renderText()
    #expect(text.contains(#"callflow_authorizer_decisions_total{result="DENY",reason="REVOKED"} 1"#))
    #expect(text.contains(#"callflow_authorizer_decisions_total{result="ALLOW",reason=""} 1"#))
    #expect(text.contains("callflow_authorizer_duration_seconds_count 4"))
  }

  @Test func storerLines_HaveTheFieldsOfTheContract_AndNoMetadata() async throws {
    let captured = CapturedLog()
    var settings = APISettings()
    settings.bucket = "bucket"
    let service = try Service(settings: settings, output: captured.output)
    _ = await service.post(Sample.event(more: #","metadata":{"pin":"4711"}"#))
    _ = await service.post("[\(Sample.event()),\(Sample.event())]")
    service.fake.set { $0.commit = .failure(.cannotStore("disk full")) }
    _ = await service.post(Sample.event())
    _ = await service.post("{")
    let lines = try captured.lines().filter { $0["component"]?.stringValue == "event-storer" }
    #expect(lines.map { $0["level"]?.stringValue } == ["DEBUG", "DEBUG", "ERROR"])
    for name in ["requestId", "eventId", "eventType", "callId", "s3Bucket", "processingTimeMs", "eventSize"] {
      #expect(lines[0][name] != nil, "\(name)")
    }
    #expect(lines[1]["eventCount"]?.intValue == 2)
    #expect(lines[2]["error"]?.stringValue?.contains("disk full") == true)
    #expect(!lines.contains { String(decoding: $0.serialized(), as: UTF8.self).contains("4711") })
  }

  @Test func retrieverLines_TellTheQuery() async throws {
    let captured = CapturedLog()
    let service = try Service(output: captured.output)
    service.fake.set { $0.page = EventPage(lines: [Array("{}".utf8)], next: nil, segmentsScanned: 4) }
    _ = await service.get(Service.events + "?callId=a&startTime=1970-01-01T00:00:01Z&eventType=b")
    service.fake.set { $0.read = .unavailable("down") }
    _ = await service.get(Service.events)
    _ = await service.get(Service.events + "?limit=0")
    let lines = try captured.lines().filter { $0["component"]?.stringValue == "event-retriever" }
    #expect(lines.map { $0["level"]?.stringValue } == ["DEBUG", "WARN"])
    #expect(
      lines[0]["query"]?.stringValue == "callId=a eventType=b startTime=1970-01-01T00:00:01.000Z limit=100 order=asc")
    #expect(lines[0]["resultCount"]?.intValue == 1)
    #expect(lines[0]["s3ObjectsScanned"]?.intValue == 4)
    #expect(lines[0]["queryTimeMs"] != nil)
  }

  @Test func rejections_AreCountedByReason() async throws {
    var settings = APISettings()
    settings.eventLimits.maxBytes = 100
    let service = try Service(settings: settings)
    let large = Sample.event(more: #","metadata":{"a":""# + String(repeating: "x", count: 100) + "\"}")
    _ = await service.post(
      [Sample.event(), "{", #"{"callId":1}"#, large].joined(separator: "\n"), type: "application/x-ndjson")
    _ = await service.post("{")
    _ = await service.post(Sample.event(), type: "text/plain")
    let text = service.registry.renderText()
    for (reason, count) in [
      ("malformed", 2), ("invalid", 1), ("too_large", 1), ("media_type", 1), ("store_unavailable", 0),
    ] {
      #expect(text.contains("callflow_events_rejected_total{reason=\"\(reason)\"} \(count)\n"), "\(reason)")
    }
  }
}
