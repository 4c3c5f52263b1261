// What is known of one setting. The table of all of them is the single source: parser, environment, `check-config`,
// config/callflow.yaml and config/README.md are all made from it.

package struct Setting: Sendable {
  package enum Kind: Sendable, Equatable {
    case text
    case flag
    case integer(ClosedRange<Int>)
    /// Bytes, written `16KiB`, `8MiB`, `1GB` or as a bare number.
    case size(ClosedRange<Int>)
    /// Seconds, written `100ms`, `10s`, `5m`, `6h`, `90d`; a bare number only where the name ends in `_seconds`.
    case duration(ClosedRange<Double>)
    case choice([String])
    /// Texts; comma-separated outside of the file.
    case list
    /// YAML objects, which only the file can hold.
    case objects
  }

  package enum Support: Sendable, Equatable {
    case now
    /// Known, but its feature is not in this version: only the default is accepted, and `harmless` values that ask
    /// for what this version does anyhow. To ignore any other would be a lie.
    case later(harmless: [String])
  }

  /// Dotted, as in the file.
  package let key: String
  package let kind: Kind
  /// As it is written in the file; empty for none.
  package let fallback: String
  /// Where the default is not a constant: what it is. `fallback` is empty then.
  package var computed: String?
  package let meaning: String
  /// Never printed, never taken from the command line, and also readable from a file by `<key>_file`.
  package var isSecret = false
  package var support = Support.now

  package init(
    _ key: String, _ kind: Kind, _ fallback: String, computed: String? = nil, secret isSecret: Bool = false,
    _ meaning: String
  ) {
    self.key = key
    self.kind = kind
    self.fallback = fallback
    self.computed = computed
    self.isSecret = isSecret
    self.meaning = meaning
  }

  static func later(
    _ key: String, _ kind: Kind, _ fallback: String, harmless: [String] = [], _ meaning: String
  ) -> Setting {
    var setting = Setting(key, kind, fallback, meaning)
    setting.support = .later(harmless: harmless)
    return setting
  }

  /// `http.listen` is `CALLFLOW_HTTP_LISTEN`.
  package var environmentName: String {
    "CALLFLOW_" + key.uppercased().replacing(".", with: "_")
  }

  package var name: Substring { key.split(separator: ".").last ?? "" }
}

package enum SettingValue: Sendable, Equatable {
  case none
  case text(String)
  case flag(Bool)
  /// Numbers and sizes in bytes.
  case integer(Int)
  case seconds(Double)
  case list([String])
}

/// Where a value comes from, for messages.
package enum SettingOrigin: Sendable, Equatable, CustomStringConvertible {
  case builtIn
  case file(path: String, line: Int)
  case environment(name: String)
  case flag
  /// The content of the file that `<key>_file` names.
  case secretFile(path: String)

  package var description: String {
    switch self {
    case .builtIn: "default"
    case .file(let path, let line): "\(path), line \(line)"
    case .environment(let name): name
    case .flag: "--set"
    case .secretFile(let path): path
    }
  }
}

/// A value as it was written.
struct RawSetting: Sendable, Equatable {
  enum Content: Sendable, Equatable {
    case scalar(String)
    case list([String])
    /// Something with keys, for `Kind.objects`.
    case objects
  }

  var content: Content
  var origin: SettingOrigin

  /// As it can be shown.
  var text: String {
    switch content {
    case .scalar(let text): text
    case .list(let elements): elements.joined(separator: ",")
    case .objects: "..."
    }
  }
}

/// Everything that is wrong with a configuration, in one go.
package struct SettingsErrors: Error, Sendable, Equatable, CustomStringConvertible {
  package var problems: [String]

  package init(_ problems: [String]) { self.problems = problems }

  package var description: String { problems.joined(separator: "\n") }
}
