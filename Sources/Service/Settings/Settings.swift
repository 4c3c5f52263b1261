// A checked configuration, and what each part of the service gets of it.

import API
import EventLoop
import EventStore
import HTTPModel
import HTTPTransport
import Logging
import ObjectStore
import Observability
import S3

package struct Settings: Sendable {
  private let values: [String: SettingValue]
  private let origins: [String: SettingOrigin]
  /// Of the process, for AWS's own variables.
  package let environment: [String: String]

  init(values: [String: SettingValue], origins: [String: SettingOrigin], environment: [String: String]) {
    self.values = values
    self.origins = origins
    self.environment = environment
  }

  package func origin(_ key: String) -> SettingOrigin { origins[key] ?? .builtIn }

  // MARK: By key. The table decides the kind; a key or kind that it does not have is a mistake in this file, found
  // by its test.

  package subscript(key: String) -> SettingValue {
    guard let value = values[key] else { preconditionFailure("there is no setting \(key)") }
    return value
  }

  func text(_ key: String) -> String? {
    switch self[key] {
    case .text(let text): text
    case .none: nil
    default: preconditionFailure("\(key) is no text")
    }
  }

  func integer(_ key: String) -> Int {
    guard case .integer(let number) = self[key] else { preconditionFailure("\(key) is no number") }
    return number
  }

  func seconds(_ key: String) -> Double {
    guard case .seconds(let seconds) = self[key] else { preconditionFailure("\(key) is no duration") }
    return seconds
  }

  func flag(_ key: String) -> Bool { self[key] == .flag(true) }

  func list(_ key: String) -> [String] {
    if case .list(let elements) = self[key] { elements } else { [] }
  }
}

// MARK: - Places

extension Settings {
  package var dataFolder: String { text("storage.data") ?? "./data" }

  package enum Store: Sendable, Equatable {
    case folder(String)
    case s3
  }

  package var store: Store {
    guard let url = text("storage.url") else { return .folder("\(dataFolder)/store") }
    return url.hasPrefix("file:") ? .folder(Self.path(ofFileURL: url)) : .s3
  }

  /// `file:relative`, `file:/absolute` and `file:///absolute`.
  static func path(ofFileURL url: String) -> String {
    let rest = url.dropFirst("file:".count)
    return String(rest.hasPrefix("//") ? rest.dropFirst(2) : rest)
  }

  /// Endpoint and bucket, or the folder: for messages.
  package var storeName: String {
    if case .folder(let path) = store { return "file:\(path)" }
    let endpoint = text("storage.s3.endpoint") ?? "AWS \(text("storage.s3.region") ?? "")"
    return "\(endpoint), \(text("storage.url") ?? "")"
  }

  package enum Keys: Sendable, Equatable {
    case store
    case file(String)
  }

  package var keys: Keys {
    let fallback = store == .s3 ? "store" : "file"
    guard text("auth.keys") ?? fallback == "file" else { return .store }
    return .file(text("auth.keys_file") ?? "\(dataFolder)/keys.json")
  }

  /// nil for addresses that the rules have refused.
  package var listenAddresses: [SocketAddress] { list("http.listen").compactMap { SocketAddress($0) } }
  package var adminAddress: SocketAddress? { SocketAddress(text("admin.listen") ?? "") }
  package var threads: Int {
    if case .integer(let threads) = self["http.threads"] { threads } else { ProcessorCount.usable }
  }
  package var isAnonymous: Bool { flag("auth.anonymous") }
  package var drainTime: Duration { .seconds(seconds("http.drain_seconds")) }
  package var logFormat: LogFormat { text("log.format").flatMap(LogFormat.init(rawValue:)) ?? .json }
  package var logLevel: Logger.Level {
    switch text("log.level") {
    case "debug": .debug
    case "warn": .warning
    case "error": .error
    default: .info
    }
  }
}

// MARK: - Parts

extension Settings {
  package var server: HTTPServerSettings {
    var server = HTTPServerSettings()
    server.headBytes = integer("http.limits.head_bytes")
    server.headers = integer("http.limits.headers")
    server.bufferedBytes = integer("http.limits.buffered_bytes")
    server.connections = integer("http.limits.connections")
    server.requestsPerConnection = integer("http.limits.requests_per_connection")
    server.headTimeout = .seconds(seconds("http.limits.head_seconds"))
    server.bodyTimeout = .seconds(seconds("http.limits.body_seconds"))
    server.idleTimeout = .seconds(seconds("http.limits.idle_seconds"))
    return server
  }

  package var client: HTTPClientSettings {
    var client = HTTPClientSettings()
    client.caFile = text("storage.s3.ca_file")
    return client
  }

  package var eventLimits: EventLimits {
    var limits = EventLimits()
    limits.maxBytes = integer("events.max_bytes")
    limits.maxBatch = integer("events.max_batch")
    limits.maxAgeDays = integer("events.max_age_days")
    limits.maxFutureSeconds = Int(seconds("events.max_future_seconds"))
    return limits
  }

  package var acknowledge: Durability { text("storage.acknowledge") == "object-store" ? .objectStore : .journal }

  package var eventStore: EventStoreSettings {
    var store = EventStoreSettings(dataFolder: dataFolder)
    store.acknowledge = acknowledge
    store.uploadIntervalSeconds = seconds("storage.upload.interval")
    store.uploadBytes = integer("storage.upload.bytes")
    store.objectStoreIntervalSeconds = seconds("storage.upload.object_store_interval")
    store.journalMaxBytes = integer("storage.journal.max_bytes")
    store.refreshIntervalSeconds = seconds("storage.refresh_interval")
    store.listPerSecond = Double(integer("storage.list_per_second"))
    store.memoryBytes = integer("storage.memory_bytes")
    store.queryTimeoutSeconds = seconds("query.timeout")
    store.queryMaxScanBytes = integer("query.max_scan_bytes")
    store.queryConcurrency = integer("query.concurrency")
    store.limits = eventLimits
    return store
  }

  package var api: APISettings {
    var api = APISettings()
    let path = text("http.base_path") ?? "/"
    api.basePath = path == "/" ? "" : path
    api.bodyMaxBytes = integer("http.limits.body_bytes")
    api.eventLimits = eventLimits
    api.acknowledge = acknowledge
    api.bucket = try? s3().location.bucket
    api.version = BuildInfo.version
    return api
  }

  /// Throws `.misconfigured` where `storage.url` or `storage.s3.*` are wrong; the rules have asked before.
  package func s3() throws(ObjectStoreError) -> S3Settings {
    let encryption: S3Encryption =
      switch text("storage.s3.sse") {
      case "AES256": .aes256
      case "aws:kms": .kms(keyID: text("storage.s3.kms_key_id"))
      default: .none
      }
    let addressing: S3Addressing =
      switch text("storage.s3.path_style") {
      case "true": .path
      case "false": .virtualHost
      default: .auto
      }
    return S3Settings(
      location: try S3Location.parse(text("storage.url") ?? ""),
      endpoint: try text("storage.s3.endpoint").map { url throws(ObjectStoreError) in try S3Endpoint.parse(url) },
      region: text("storage.s3.region") ?? "us-east-1", addressing: addressing, encryption: encryption)
  }

  /// Settings first, then AWS's variables.
  package var credentials: any CredentialsProvider {
    var sources: [any CredentialsProvider] = []
    if let id = text("storage.s3.access_key_id"), let secret = text("storage.s3.secret_access_key") {
      let own = S3Credentials(accessKeyID: id, secretAccessKey: secret, sessionToken: text("storage.s3.session_token"))
      sources.append(StaticCredentials(own))
    }
    return CredentialsChain(sources + [EnvironmentCredentials(environment: environment)])
  }
}
