// All settings of CONTRACT 2, in the order in which they are documented.

package enum SettingTable {
  package static let all: [Setting] = http + admin + auth + rateLimit + storage + events + rest

  private static let byKey = Dictionary(uniqueKeysWithValues: all.map { ($0.key, $0) })
  private static let secretFiles = Set(all.filter(\.isSecret).map { $0.key + "_file" })
  private static let byEnvironment: [String: String] = {
    let names = all.filter { $0.kind != .objects }.map { ($0.environmentName, $0.key) }
    let files = all.filter(\.isSecret).map { ($0.environmentName + "_FILE", $0.key + "_file") }
    return Dictionary(uniqueKeysWithValues: names + files)
  }()

  package static func setting(_ key: String) -> Setting? { byKey[key] }

  /// `storage.s3.secret_access_key_file` and its like, which take a path instead of the secret.
  static func isSecretFile(_ key: String) -> Bool { secretFiles.contains(key) }

  static func key(environment name: String) -> String? { byEnvironment[name] }

  /// Whether keys begin with `prefix` and a dot.
  static func isGroup(_ prefix: String) -> Bool { all.contains { $0.key.hasPrefix(prefix + ".") } }

  /// The names that may stand in the group `prefix` (empty: at the top), with their full keys.
  static func names(in prefix: String) -> [String] {
    let start = prefix.isEmpty ? "" : prefix + "."
    let keys = all.map(\.key) + secretFiles
    let below = keys.filter { $0.hasPrefix(start) }.map { $0.dropFirst(start.count) }
    return Set(below.compactMap { $0.split(separator: ".").first.map(String.init) }).sorted()
  }
}

// MARK: - Listeners

extension SettingTable {
  private static let http: [Setting] = [
    Setting("http.listen", .list, "127.0.0.1:8080", "Addresses to listen on, as 127.0.0.1:8080 or [::1]:8080."),
    Setting("http.base_path", .text, "/v1", "Where the API's paths begin; / for none."),
    Setting(
      "http.threads", .integer(1...1024), "", computed: "the cores, or the cgroup's CPU quota",
      "Event loops, one thread each, sharing the port."),
    .later("http.tls.certificate", .text, "", "PEM file of the certificate chain."),
    .later("http.tls.private_key", .text, "", "PEM file of the private key."),
    .later("http.tls.certificates", .objects, "", "Further certificates, chosen by server name."),
    .later("http.tls.client_ca", .text, "", "PEM file of the authorities that client certificates come from."),
    .later(
      "http.tls.client_auth", .choice(["none", "optional", "require"]), "none", "Whether clients show a certificate."),
    Setting("http.limits.head_bytes", .size(1024...1 << 20), "16KiB", "Longest request line and fields together."),
    Setting("http.limits.headers", .integer(1...1024), "64", "Most fields of a request."),
    Setting("http.limits.body_bytes", .size(1024...1 << 30), "8MiB", "Longest body as sent."),
    .later("http.limits.expanded_bytes", .size(1024...1 << 34), "64MiB", "Longest body after decompression."),
    Setting(
      "http.limits.buffered_bytes", .size(1 << 20...1 << 40), "128MiB",
      "Bodies and unsent replies of the whole process."),
    Setting(
      "http.limits.connections", .integer(1...1_000_000), "10000", "Most open connections; then the listeners pause."),
    Setting("http.limits.head_seconds", .duration(0.1...3600), "10", "Time to send a request's head."),
    Setting("http.limits.body_seconds", .duration(0.1...86_400), "60", "Time to send a request's body."),
    Setting("http.limits.idle_seconds", .duration(0.1...86_400), "75", "Time that a connection may be idle."),
    Setting(
      "http.limits.requests_per_connection", .integer(0...Int.max), "0",
      "Requests after which a connection is closed; 0 for no such bound."),
    Setting(
      "http.drain_seconds", .duration(0...3600), "5",
      "After TERM: time for requests in flight, and again for the upload of what is in the journal."),
    .later("http.public_url", .text, "", "The service's own address as clients see it."),
    .later("http.trusted_proxies", .list, "", "Networks whose Forwarded and X-Forwarded-For are believed."),
    .later("http.proxy_protocol", .flag, "false", "Whether connections begin with a PROXY line."),
    .later("http.cors.allowed_origins", .list, "", "Origins whose scripts may use the API."),
  ]

  private static let admin: [Setting] = [
    Setting(
      "admin.listen", .text, "127.0.0.1:9464",
      "Address of /metrics, /livez and /readyz with causes, without authentication.")
  ]
}

// MARK: - Who may

extension SettingTable {
  private static let auth: [Setting] = [
    Setting(
      "auth.anonymous", .flag, "false",
      "Everybody may do everything. For development; refused unless every listener is a loopback address."),
    Setting(
      "auth.keys", .choice(["store", "file"]), "", computed: "store with an s3: store, else file",
      "Where API keys are kept: in the bucket (auth/keys.json), shared by all nodes, or in a file of this node."),
    Setting(
      "auth.keys_file", .text, "", computed: "<storage.data>/keys.json", "The file of auth.keys: file; mode 0600."),
    .later("auth.master_key_file", .text, "", "Key that encrypts SigV4 secrets."),
    .later("auth.jwt", .objects, "", "Issuers of tokens."),
    .later("auth.certificates", .objects, "", "Subjects of client certificates and their scopes."),
    .later("auth.cache_seconds", .integer(0...86_400), "300", "Age of cached decisions."),
  ]

  private static let rateLimit: [Setting] = [
    .later(
      "rate_limit.requests_per_second", .integer(0...1_000_000), "100", harmless: ["0"],
      "Requests a second for each principal; 0 for no limit."),
    .later("rate_limit.burst", .integer(1...1_000_000), "200", "Requests at once for each principal."),
    .later(
      "rate_limit.bytes_per_second", .size(0...1 << 40), "0",
      "Body bytes a second for each principal; 0 for no limit."),
  ]
}
