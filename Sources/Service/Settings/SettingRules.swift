// What the settings must fulfil together, after each was right for itself.

import EventLoop
import ObjectStore
import S3

enum SettingRules {
  /// A line for each broken rule, naming key, value and rule.
  static func problems(of settings: Settings) -> [String] {
    listeners(settings) + anonymous(settings) + basePath(settings) + store(settings) + sizes(settings)
  }

  /// What is allowed and hardly meant. `given`: the keys that were set anywhere.
  static func warnings(of settings: Settings, given: Set<String>) -> [String] {
    guard settings.store != .s3 else { return [] }
    let unused = SettingTable.all.filter { setting in
      setting.key.hasPrefix("storage.s3.") && given.contains(setting.key)
        && ![nil, "", setting.fallback].contains(settings.text(setting.key))
    }
    return unused.map { "\($0.key) is set, but storage.url names no bucket (s3://...): events stay on this machine" }
  }

  private static func listeners(_ settings: Settings) -> [String] {
    var problems: [String] = []
    let given = settings.list("http.listen")
    if given.isEmpty { problems.append("http.listen: at least one address is needed") }
    for address in given where SocketAddress(address) == nil {
      let isLater = address.hasPrefix("unix:") || address == "systemd"
      let rule = isLater ? "not yet supported in this version" : "must be an address with a port, like 127.0.0.1:8080"
      problems.append("http.listen: \"\(address)\" (\(settings.origin("http.listen"))): \(rule)")
    }
    let admin = settings.text("admin.listen") ?? ""
    if SocketAddress(admin) == nil {
      let origin = settings.origin("admin.listen")
      problems.append(
        "admin.listen: \"\(admin)\" (\(origin)): must be an address with a port, like 127.0.0.1:9464")
    } else if given.contains(admin), !admin.hasSuffix(":0") {
      problems.append("admin.listen: \"\(admin)\": http.listen has the same address")
    }
    return problems
  }

  private static func anonymous(_ settings: Settings) -> [String] {
    guard settings.isAnonymous else { return [] }
    let addresses = settings.listenAddresses + [settings.adminAddress].compactMap(\.self)
    let open = addresses.filter { !$0.isLoopback }
    guard !open.isEmpty else { return [] }
    let names = open.map(\.description).joined(separator: ", ")
    return ["auth.anonymous: \"true\": refused unless every listener is a loopback address; \(names) is not"]
  }

  private static func basePath(_ settings: Settings) -> [String] {
    let path = settings.text("http.base_path") ?? "/"
    let isPlain = path.utf8.allSatisfy { byte in
      switch byte {
      case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
        UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"),
        UInt8(ascii: "~"),
        UInt8(ascii: "/"):
        true
      default: false
      }
    }
    let isGood = path == "/" || path.hasPrefix("/") && !path.hasSuffix("/") && isPlain && !path.contains("//")
    if isGood { return [] }
    return ["http.base_path: \"\(path)\": must be / or begin with / and not end with one, of letters, digits and -._~"]
  }

  private static func store(_ settings: Settings) -> [String] {
    var problems: [String] = []
    if let url = settings.text("storage.url"), !url.hasPrefix("s3://") {
      if !url.hasPrefix("file:") {
        problems.append("storage.url: \"\(url)\": must be file:/folder or s3://bucket/prefix")
      } else if Settings.path(ofFileURL: url).isEmpty {
        problems.append("storage.url: \"\(url)\": names no folder")
      }
    } else if settings.store == .s3 {
      do throws(ObjectStoreError) { _ = try settings.s3() } catch {
        problems.append("storage.url, storage.s3.endpoint: \(error.message)")
      }
    }
    let id = settings.text("storage.s3.access_key_id")
    let secret = settings.text("storage.s3.secret_access_key")
    if (id == nil) != (secret == nil) {
      problems.append("storage.s3.access_key_id, storage.s3.secret_access_key: both or none must be given")
    }
    if settings.text("storage.s3.session_token") != nil, id == nil {
      problems.append("storage.s3.session_token: needs storage.s3.access_key_id")
    }
    if settings.text("storage.s3.kms_key_id") != nil, settings.text("storage.s3.sse") != "aws:kms" {
      problems.append("storage.s3.kms_key_id: needs storage.s3.sse: aws:kms")
    }
    if settings.text("auth.keys_file") != nil, settings.keys == .store {
      problems.append("auth.keys_file: needs auth.keys: file")
    }
    return problems
  }

  /// Limits that only make sense in one order.
  private static func sizes(_ settings: Settings) -> [String] {
    let pairs = [
      ("events.max_bytes", "http.limits.body_bytes"), ("http.limits.body_bytes", "http.limits.buffered_bytes"),
      ("storage.upload.bytes", "storage.journal.max_bytes"),
    ]
    return pairs.compactMap { smaller, larger in
      guard settings.integer(smaller) > settings.integer(larger) else { return nil }
      let (left, right) = (SettingText.size(settings.integer(smaller)), SettingText.size(settings.integer(larger)))
      return "\(smaller): \"\(left)\": must not be above \(larger) (\(right))"
    }
  }
}
