// The settings from text to value: layers, units, unknown names, what is not yet supported, and rules between settings.

import API
import EventLoop
import EventStore
import HTTPModel
import HTTPTransport
import Logging
import Observability
import S3
import TestSupport
import Testing

@testable import Service

@Suite struct SettingsTests {
  private func load(
    _ yaml: String? = nil, environment: [String: String] = [:], _ overrides: String...
  ) throws -> (settings: Settings, warnings: [String]) {
    let folder = TemporaryFolder()
    var sources = SettingsSources(environment: environment, overrides: overrides)
    if let yaml {
      sources.file = folder.file("callflow.yaml")
      try write(yaml, to: folder.file("callflow.yaml"))
    }
    return try SettingsLoader.load(sources)
  }

  /// Everything that is wrong, the file's folder left out.
  private func problems(
    _ yaml: String? = nil, environment: [String: String] = [:], _ overrides: String...
  ) -> [String] {
    let folder = TemporaryFolder()
    var sources = SettingsSources(environment: environment, overrides: overrides)
    do {
      if let yaml {
        sources.file = folder.file("callflow.yaml")
        try write(yaml, to: folder.file("callflow.yaml"))
      }
      _ = try SettingsLoader.load(sources)
      return []
    } catch let errors as SettingsErrors {
      return errors.problems.map { $0.replacing("\(folder.path)/", with: "") }
    } catch {
      return ["\(error)"]
    }
  }

  // MARK: Defaults

  @Test func table_HasEachKeyOnce_AndGoodDefaults() throws {
    let keys = SettingTable.all.map(\.key)
    #expect(Set(keys).count == keys.count)
    for setting in SettingTable.all {
      #expect(setting.meaning.hasSuffix("."), "\(setting.key)")
      #expect(!SettingTable.isGroup(setting.key), "\(setting.key) is a setting and a group")
      #expect(throws: Never.self, "\(setting.key)") { try SettingParser.parse(.scalar(setting.fallback), for: setting) }
    }
  }

  /// Every accessor asks for a key of the right kind, else it traps here and not at a customer's start.
  @Test func defaults_GiveEveryPartTheContractsValues() throws {
    let settings = try load().settings
    #expect(settings.listenAddresses.map(\.description) == ["127.0.0.1:8080"])
    #expect(settings.adminAddress?.description == "127.0.0.1:9464")
    #expect(settings.threads >= 1)
    #expect(settings.store == .folder("./data/store"))
    #expect(settings.keys == .file("./data/keys.json"))
    #expect(settings.logLevel == .info)
    #expect(settings.logFormat == .json)
    #expect(!settings.isAnonymous)
    #expect(settings.drainTime == .seconds(5))
    #expect(settings.server.headBytes == 16 << 10)
    #expect(settings.server.bufferedBytes == 128 << 20)
    #expect(settings.server.connections == 10_000)
    #expect(settings.server.headTimeout == .seconds(10))
    #expect(settings.server.idleTimeout == .seconds(75))
    #expect(settings.client.caFile == nil)
    #expect(settings.api.basePath == "/v1")
    #expect(settings.api.bodyMaxBytes == 8 << 20)
    #expect(settings.api.bucket == nil)
    #expect(settings.eventStore.uploadIntervalSeconds == 10)
    #expect(settings.eventStore.objectStoreIntervalSeconds == 0.1)
    #expect(settings.eventStore.journalMaxBytes == 8 << 30)
    #expect(settings.eventStore.queryTimeoutSeconds == 20)
    #expect(settings.eventLimits.maxBytes == 256 << 10)
    #expect(settings.eventLimits.maxFutureSeconds == 86_400)
    #expect(settings.acknowledge == .journal)
  }

  // MARK: Layers

  @Test func layers_WinInOrder() throws {
    let yaml = "http:\n  listen: 127.0.0.1:1\nlog:\n  level: debug\n  format: text\nevents:\n  max_batch: 7\n"
    let environment = [
      "CALLFLOW_HTTP_LISTEN": "127.0.0.1:2, [::1]:2", "CALLFLOW_LOG_LEVEL": "warn", "CALLFLOW_LOG_FORMAT": "",
    ]
    let settings = try load(yaml, environment: environment, "log.level=error").settings
    #expect(settings.listenAddresses.map(\.description) == ["127.0.0.1:2", "[::1]:2"])
    #expect(settings.logLevel == .error)
    #expect(settings.logFormat == .text, "an empty variable is not set")
    #expect(settings.eventLimits.maxBatch == 7)
    #expect(settings.origin("http.listen") == .environment(name: "CALLFLOW_HTTP_LISTEN"))
    #expect(settings.origin("log.level") == .flag)
    #expect(settings.origin("log.format").description.hasSuffix("callflow.yaml, line 5"))
    #expect(settings.origin("query.timeout") == .builtIn)
  }

  @Test func variables_WarnEach_WhenTheyAreNoSettings() throws {
    let environment = [
      "CALLFLOW_PORT": "tcp://10.0.0.1:80", "CALLFLOW_SERVICE_HOST": "10.0.0.1", "CALLFLOW_URL": "x",
      "CALLFLOW_KEY": "x",
      "CALLFLOW_CORPORA": "x", "OTHER": "x",
    ]
    let warnings = try load(environment: environment).warnings
    #expect(warnings.count == 2)
    #expect(warnings[0].contains("CALLFLOW_PORT"))
    #expect(warnings[1].contains("CALLFLOW_SERVICE_HOST"))
  }

  @Test func bucketSettings_WarnEach_WhenNoBucketIsNamed() throws {
    var environment = [
      "CALLFLOW_STORAGE_S3_ENDPOINT": "https://s3.example.com", "CALLFLOW_STORAGE_S3_REGION": "us-east-1",
    ]
    #expect(try load(environment: environment).warnings.count == 1)
    #expect(try load(environment: environment).warnings[0].contains("storage.s3.endpoint"))
    environment["CALLFLOW_STORAGE_URL"] = "s3://calls"
    #expect(try load(environment: environment).warnings.isEmpty)
  }

  @Test func file_IsFoundByVariable_AndMustExist() throws {
    let folder = TemporaryFolder()
    try write("log: {level: debug}\n", to: folder.file("a.yaml"))
    #expect(try load(environment: ["CALLFLOW_CONFIG": folder.file("a.yaml")]).settings.logLevel == .debug)
    #expect(
      problems(environment: ["CALLFLOW_CONFIG": "/absent.yaml"]) == [
        "the configuration file /absent.yaml cannot be read: No such file or directory"
      ])
  }

  @Test func nothing_IsTheSameAsNotGiven() throws {
    let settings = try load("http:\nstorage:\n  url:\n  s3:\n    endpoint: ~\nlog:\n  level: null\nauth:\n  jwt: []\n")
      .settings
    #expect(settings.store == .folder("./data/store"))
    #expect(settings.logLevel == .info)
    #expect(try load("# only a comment\n").settings.logLevel == .info)
  }

  // MARK: Mistakes

  @Test(arguments: [
    (
      "http:\n  lisen: 127.0.0.1:8080\n",
      #"callflow.yaml, line 2: unknown setting "http.lisen"; the nearest known one is "http.listen""#
    ),
    (
      "storage:\n  data: data\n  acknowlege: journal\n",
      #"callflow.yaml, line 3: unknown setting "storage.acknowlege"; the nearest known one is "storage.acknowledge""#
    ),
    (
      "storrage:\n  data: data\n",
      #"callflow.yaml, line 1: unknown setting "storrage"; the nearest known one is "storage""#
    ),
    (
      "http:\n  max_batch: 1\n",
      #"callflow.yaml, line 2: unknown setting "http.max_batch"; the nearest known one is "events.max_batch""#
    ),
    ("http: 8080\n", #"callflow.yaml, line 1: "http" must be a group of settings"#),
    ("- a\n", #"callflow.yaml, line 1: the file must be a group of settings"#),
    (
      "log:\n  level: [info, warn]\n",
      #"log.level: "info,warn" (callflow.yaml, line 2): must be one of debug, info, warn, error, not a list"#
    ),
    (
      "log:\n  level: {a: b}\n",
      #"log.level: "..." (callflow.yaml, line 2): must be one of debug, info, warn, error, not a group of settings"#
    ),
    ("http:\n  threads: 0\n", #"http.threads: "0" (callflow.yaml, line 2): must be from 1 to 1024"#),
    (
      "http:\n  limits:\n    body_bytes: much\n",
      #"http.limits.body_bytes: "much" (callflow.yaml, line 3): must be a size like 16KiB, 8MiB or 1GB"#
    ),
    (
      "http:\n  limits:\n    body_bytes: 1B\n",
      #"http.limits.body_bytes: "1B" (callflow.yaml, line 3): must be from 1KiB to 1GiB"#
    ),
    (
      "storage:\n  upload:\n    interval: 10\n",
      #"storage.upload.interval: "10" (callflow.yaml, line 3): must be a duration like 100ms, 10s, 5m, 6h or 90d"#
    ),
    ("auth:\n  anonymous: maybe\n", #"auth.anonymous: "maybe" (callflow.yaml, line 2): must be true or false"#),
    (
      "http:\n  tls:\n    certificate: a.pem\n",
      #"http.tls.certificate: "a.pem" (callflow.yaml, line 3): "# + later("unset")
    ),
    (
      "rate_limit:\n  requests_per_second: 5\n",
      #"rate_limit.requests_per_second: "5" (callflow.yaml, line 2): "# + later("100")
    ),
    (
      "auth:\n  jwt:\n    - issuer: x\n",
      #"auth.jwt: "..." (callflow.yaml, line 3): not yet supported in this version; leave it at its default (unset)"#
    ),
    (
      "ingest:\n  twilio:\n    secret: x\n",
      #"ingest: "..." (callflow.yaml, line 2): not yet supported in this version; leave it at its default (unset)"#
    ),
  ])
  func mistake_IsNamedWithItsPlace(yaml: String, problem: String) {
    let found = problems(yaml)
    #expect(found.count == 1)
    // The line of a nested value may be the key's or the value's; both are right.
    #expect(found.first?.replacing(/line \d+/, with: "line") == problem.replacing(/line \d+/, with: "line"))
    if problem.hasPrefix("callflow.yaml") { #expect(found.first == problem) }
  }

  @Test func mistakes_AreShownTogether() {
    let found = problems(
      "http:\n  lisen: a\nlog:\n  level: loud\n", environment: ["CALLFLOW_QUERY_TIMEOUT": "long"], "nothing",
      "log.lvel=x")
    #expect(found.count == 5)
    for part in [
      "http.lisen", "log.level", "CALLFLOW_QUERY_TIMEOUT", "--set nothing: must be key=value",
      #"the nearest known one is "log.level""#,
    ] {
      #expect(found.contains { $0.contains(part) }, "\(part)")
    }
  }

  @Test func yaml_IsRefusedWithItsLine_WhenItIsNone() {
    #expect(problems("a: [\n").first?.hasPrefix("callflow.yaml: line 2: not YAML") == true)
    #expect(problems("log:\n  level: info\nlog:\n  level: warn\n").first?.contains("given twice") == true)
  }

  @Test func later_AcceptsDefaults_AndWhatChangesNothing() throws {
    let yaml =
      "rate_limit: {requests_per_second: 0, burst: 200}\nhttp: {tls: {client_auth: none}}\n"
      + "storage: {compaction: {enabled: false, grace: 360m}}\n"
    #expect(throws: Never.self) { try load(yaml) }
  }

  // MARK: Secrets

  @Test func secrets_ComeFromFiles_AndAreNeverShown() throws {
    let folder = TemporaryFolder()
    try write("never-print-this\n", to: folder.file("secret"))
    let yaml = """
      storage:
        url: s3://bucket/prefix
        s3:
          access_key_id: someone
          secret_access_key_file: \(folder.file("secret"))
      """
    let settings = try load(yaml).settings
    #expect(settings.text("storage.s3.secret_access_key") == "never-print-this")
    let shown = ConfigurationCheck.report(settings)
    #expect(!shown.contains("never-print-this"))
    #expect(shown.contains("secret_access_key: ********  # \(folder.file("secret"))"))

    let both = problems(yaml, environment: ["CALLFLOW_STORAGE_S3_SECRET_ACCESS_KEY": "x"])
    #expect(both.first?.contains("only one of them may be given") == true)
    let refused = problems(nil, "storage.s3.secret_access_key=never-print-this")
    #expect(refused.first?.contains("never taken from the command line") == true)
    #expect(!refused.joined().contains("never-print-this"))
    let variable = try load(
      yaml.replacing("_file: \(folder.file("secret"))", with: ": ~"),
      environment: [
        "CALLFLOW_STORAGE_S3_SECRET_ACCESS_KEY_FILE": folder.file("secret")
      ])
    #expect(variable.settings.text("storage.s3.secret_access_key") == "never-print-this")
  }

  // MARK: Rules

  @Test(arguments: [
    ("auth.anonymous=true http.listen=0.0.0.0:8080", "auth.anonymous"),
    ("auth.anonymous=true admin.listen=0.0.0.0:1", "auth.anonymous"),
    ("http.listen=localhost:8080", "http.listen"), ("http.listen=unix:/run/callflow", "http.listen"),
    ("http.listen=systemd", "http.listen"),
    ("admin.listen=nowhere", "admin.listen"), ("admin.listen=127.0.0.1:8080", "admin.listen"),
    ("http.base_path=v1", "http.base_path"),
    ("http.base_path=/v1/", "http.base_path"), ("http.base_path=/v%31", "http.base_path"),
    ("storage.url=ftp://x", "storage.url"),
    ("storage.url=file:", "storage.url"), ("storage.url=s3://", "storage.url"),
    ("storage.url=s3://b..b/x", "storage.url"),
    ("storage.url=s3://bucket storage.s3.endpoint=localhost", "storage.s3.endpoint"),
    ("storage.s3.access_key_id=x", "storage.s3.access_key_id"), ("storage.s3.kms_key_id=x", "storage.s3.kms_key_id"),
    ("events.max_bytes=9MiB", "events.max_bytes"), ("http.limits.body_bytes=256MiB", "http.limits.body_bytes"),
    ("storage.journal.max_bytes=8MiB", "storage.upload.bytes"), ("auth.keys=store auth.keys_file=/x", "auth.keys_file"),
  ])
  func rule_IsNamed_WhenSettingsDoNotFit(overrides: String, key: String) {
    var sources = SettingsSources()
    sources.overrides = overrides.split(separator: " ").map(String.init)
    #expect { try SettingsLoader.load(sources) } throws: { error in
      let problems = (error as? SettingsErrors)?.problems ?? []
      return problems.count == 1 && problems[0].contains(key)
    }
  }

  @Test func anonymous_IsAccepted_OnLoopback() throws {
    #expect(try load(nil, "auth.anonymous=true", "http.listen=127.0.0.1:1,[::1]:2").settings.isAnonymous)
  }

  @Test func s3_IsReadWhole() throws {
    let settings = try load(
      nil, "storage.url=s3://bucket/a/b/", "storage.s3.endpoint=https://store.example:9000",
      "storage.s3.region=eu-central-1",
      "storage.s3.path_style=false", "storage.s3.sse=aws:kms", "storage.s3.kms_key_id=key"
    ).settings
    let s3 = try settings.s3()
    #expect(s3.location.bucket == "bucket")
    #expect(s3.location.prefix == "a/b")
    #expect(s3.endpoint?.port == 9000)
    #expect(s3.addressing == .virtualHost)
    #expect(s3.encryption == .kms(keyID: "key"))
    #expect(settings.keys == .store)
    #expect(settings.api.bucket == "bucket")
  }
}

func later(_ fallback: String) -> String {
  "not yet supported in this version; leave it at its default (\(fallback))"
}

@Suite struct SettingUnitTests {
  @Test(arguments: [
    ("0", 0), ("17", 17), ("1B", 1), ("16KiB", 16 << 10), ("8MiB", 8 << 20), ("1GiB", 1 << 30), ("2TiB", 2 << 40),
    ("3KB", 3000),
    ("4MB", 4_000_000), ("5GB", 5_000_000_000), ("8 MiB", 8 << 20),
  ])
  func sizes(text: String, bytes: Int) { #expect(SettingParser.size(text) == bytes) }

  @Test(arguments: ["", "MiB", "-1", "+1", "1.5MiB", "1mib", "1 MiB ", "9223372036854775807KiB", "1Ki", "0x10"])
  func sizes_Refuse(text: String) { #expect(SettingParser.size(text) == nil) }

  @Test(arguments: [
    ("100ms", 0.1), ("10s", 10), ("1.5s", 1.5), ("5m", 300), ("6h", 21_600), ("90d", 7_776_000), ("0", 0), ("0s", 0),
  ])
  func durations(text: String, seconds: Double) {
    #expect(SettingParser.seconds(text, isBareAllowed: false) == seconds)
  }

  @Test(arguments: ["", "s", "10", "-1s", "1e3s", "1.2.3s", ".5s", "5.s", "nans", "infs", "1w", "1H"])
  func durations_Refuse(text: String) { #expect(SettingParser.seconds(text, isBareAllowed: false) == nil) }

  @Test func texts_AreReadBackAsTheSameValue() {
    for bytes in [0, 1, 1000, 1024, 1536, 16 << 10, 8 << 20, 3 << 30, 1 << 40, 5_000_000] {
      #expect(SettingParser.size(SettingText.size(bytes)) == bytes)
    }
    for seconds: Double in [0, 0.001, 0.1, 1, 1.5, 75, 90, 3600, 5400, 86_400, 7_776_000] {
      #expect(SettingParser.seconds(SettingText.duration(seconds), isBareAllowed: false) == seconds)
    }
  }

  @Test func distance_IsLevenshteins() {
    #expect(NearestName.distance("kitten", "sitting") == 3)
    #expect(NearestName.distance("", "abc") == 3)
    #expect(NearestName.distance("abc", "abc") == 0)
    #expect(NearestName.distance("listen", "lisen") == 1)
  }
}
