// `callflow serve` from start to TERM: real sockets, real signals, the embedded store.

import Foundation
import Primitives
import TestSupport
import Testing

@testable import Service

@Suite(.serialized) struct ServeTests {
  private let folder = TemporaryFolder()

  private var data: [String: String] { ["CALLFLOW_STORAGE_DATA": folder.file("data")] }

  private func makeKey(_ name: String = "test", scopes: String = "events:write,events:read,metrics:read") throws
    -> String
  {
    let result = try Program.run("keys", "create", "--name", name, "--scopes", scopes, environment: data)
    return result.output.split(separator: "\n").first.map(String.init) ?? ""
  }

  private func event(_ callId: String) -> String {
    let now = RFC3339.string(SystemClock().wallNanoseconds(), fractionDigits: 9)
    return #"{"callId":"\#(callId)","eventType":"ringing","timestamp":"\#(now)"}"#
  }

  @Test func service_VerifiesDrainsAndKeepsItsEvents() async throws {
    let key = try makeKey()
    let first = try RunningService(data)
    #expect(try Program.run("health", "--set", "admin.listen=\(first.admin)", environment: data).status == 0)
    let verified = try Program.run(
      "verify", environment: data.merging(["CALLFLOW_URL": "http://\(first.http)", "CALLFLOW_KEY": key]) { $1 })
    #expect(verified.status == 0, "\(verified.output)")
    #expect(verified.output.split(separator: "\n").count == 6)
    #expect(verified.output.split(separator: "\n").allSatisfy { $0.hasPrefix("ok ") })
    try write("cfk_\(String(repeating: "A", count: 43))\n", to: folder.file("wrong.key"))
    let wrong = try Program.run(
      "verify", "--url", "http://\(first.http)", "--key-file", folder.file("wrong.key"), environment: data)
    #expect(wrong.status == 1)
    #expect(wrong.output.contains("FAILED  event stored: status 401"))

    let stored = try await first.send("POST", "/v1/callflow/events", key: key, json: event("kept"))
    let id = try #require(stored.json?["eventId"]?.stringValue)
    #expect(try await first.metric("callflow_ready") == 1)
    #expect(try await first.metric("process_open_fds") ?? 0 > 5)
    #expect(first.terminate() == 0)
    #expect(first.lines.contains { $0.contains(#""message":"stopped""#) })

    let second = try RunningService(data)
    #expect(try await second.send("GET", "/v1/callflow/events/\(id)", key: key).status == 200)
    // The first run's drain has uploaded it.
    let receipt = try Program.run(
      "verify", "--receipt", id, "--url", "http://\(second.http)",
      environment: data.merging(["CALLFLOW_KEY": key]) { $1 })
    #expect(receipt.status == 0, "\(receipt.output)")
    #expect(second.terminate() == 0)
  }

  @Test func everyLogLine_IsOneJSONObject_WithTheContractsFields() async throws {
    let key = try makeKey()
    let service = try RunningService(data.merging(["CALLFLOW_LOG_LEVEL": "debug"]) { $1 })
    _ = try await service.send("POST", "/v1/callflow/events", key: key, json: event("call \\\"\\n"))
    _ = try await service.send("GET", "/v1/%22%0d%0a%1b?x=secret-value", key: key)
    #expect(service.terminate() == 0)
    #expect(service.lines.count >= 5)
    for text in service.lines {
      let line = try JSONValue(parsing: Array(text.utf8))
      for field in ["timestamp", "level", "component", "message"] {
        #expect(line[field]?.stringValue != nil, "\(text)")
      }
      #expect(!text.contains(key) && !text.contains("secret-value"), "\(text)")
    }
  }

  @Test func hangUp_ReloadsKeysAndLevel_AndABadConfigurationChangesNothing() async throws {
    let config = folder.file("callflow.yaml")
    let key = try makeKey()
    try write("log:\n  level: info\n", to: config)
    let service = try RunningService(data, arguments: ["serve", "--config", config])
    #expect(try await service.send("GET", "/v1/callflow/events", key: key).status == 200)
    try write("log:\n  level: debug\n", to: config)
    #expect(try Program.run("keys", "revoke", "test", environment: data).status == 0)
    service.signal(SIGHUP)
    try service.waitForLine { $0.contains("reloaded") }
    #expect(try await service.send("GET", "/v1/callflow/events", key: key).status == 401)
    let other = try makeKey("other")
    #expect(
      try await service.send("GET", "/v1/callflow/events", key: other).status == 200,
      "an unknown key is looked up at once")
    try service.waitForLine { $0.contains(#""level":"DEBUG""#) }
    #expect(try await service.metric("callflow_config_last_reload_successful") == 1)

    try write("log:\n  levle: info\n", to: config)
    service.signal(SIGHUP)
    let complaint = try service.waitForLine { $0.contains("the configuration is bad") }
    #expect(complaint.contains("log.level"))
    #expect(try await service.metric("callflow_config_last_reload_successful") == 0)
    #expect(try await service.send("GET", "/v1/callflow/events", key: other).status == 200)
    #expect(service.terminate() == 0)
  }

  @Test func store_MayBeAway_WritesGoOn() async throws {
    let key = try makeKey()
    let away = data.merging([
      "CALLFLOW_STORAGE_URL": "s3://some-bucket/x", "CALLFLOW_STORAGE_S3_ENDPOINT": "http://127.0.0.1:1",
      "CALLFLOW_AUTH_KEYS": "file",
      "AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "never-print-this", "CALLFLOW_HTTP_DRAIN_SECONDS": "1",
    ]) { $1 }
    let service = try RunningService(away)
    let naming = service.lines.filter {
      $0.contains("127.0.0.1:1,") && $0.contains("some-bucket") && $0.contains("refused")
    }
    #expect(naming.count == 1, "\(service.lines)")
    let ready = try await service.send("GET", "/readyz", admin: true)
    #expect(ready.status == 200)
    #expect(ready.json?["status"]?.stringValue == "degraded")
    let stored = try await service.send("POST", "/v1/callflow/events", key: key, json: event("away"))
    #expect(stored.status == 201)
    #expect(stored.json?["durability"]?.stringValue == "journal")
    #expect(service.terminate() == 0)
    #expect(!service.lines.joined().contains("never-print-this"))
  }

  @Test func anonymous_NeedsNoKey() async throws {
    let service = try RunningService(data.merging(["CALLFLOW_AUTH_ANONYMOUS": "true"]) { $1 })
    #expect(try await service.send("GET", "/v1/callflow/events").status == 200)
    #expect(service.lines.contains { $0.contains("auth.anonymous is on") })
    #expect(service.terminate() == 0)
  }

  @Test func start_Fails_WithOneLineThatSaysWhy() throws {
    let service = try RunningService(data)
    let taken = try Program.run(
      "serve", "--set", "admin.listen=\(service.admin)", "--set", "http.listen=127.0.0.1:0", "--set", "http.threads=1",
      environment: ["CALLFLOW_STORAGE_DATA": folder.file("other")])
    #expect(taken.status == 1)
    #expect(taken.output.contains("admin.listen: cannot listen on \(service.admin)"))
    #expect(taken.output.contains("in use"))
    #expect(service.terminate() == 0)

    let noFolder = try Program.run("serve", environment: ["CALLFLOW_STORAGE_DATA": "/proc/callflow"])
    #expect(noFolder.status == 78)
    #expect(noFolder.output.contains("storage.data: /proc/callflow"))
    #expect((noFolder.output + noFolder.errors).split(separator: "\n").count == 1)

    _ = try makeKey()
    try FileManager.default.setAttributes([.posixPermissions: 0o644], ofItemAtPath: folder.file("data/keys.json"))
    let open = try Program.run("serve", environment: data)
    #expect(open.status == 78)
    #expect(open.output.contains("chmod 600"))
  }

  @Test func tmpfs_IsWarnedOf_AndRefusedForAuto() async throws {
    guard DataFolderCheck.ephemeralFileSystem(of: "/dev/shm") == "tmpfs" else {
      return print("*** no tmpfs: NOT tested ***")
    }
    let data = ["CALLFLOW_STORAGE_DATA": "/dev/shm/callflow-test-\(ProcessInfo.processInfo.processIdentifier)"]
    defer { try? FileManager.default.removeItem(atPath: data["CALLFLOW_STORAGE_DATA"] ?? "") }
    let service = try RunningService(data)
    #expect(service.lines.contains { $0.contains("the data folder does not last") && $0.contains("tmpfs") })
    #expect(try await service.metric("callflow_data_ephemeral") == 1)
    #expect(service.terminate() == 0)
    let auto = try Program.run("serve", environment: data.merging(["CALLFLOW_STORAGE_ACKNOWLEDGE": "auto"]) { $1 })
    #expect(auto.status == 78)
    #expect(auto.output.contains("storage.acknowledge"))
  }
}
