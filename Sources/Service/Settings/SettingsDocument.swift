// The settings as text for people: the effective configuration that `check-config` prints, config/callflow.yaml and
// config/README.md. The two files in config/ are compared with this by a test.

package enum SettingsDocument {
  static let mask = "********"

  // MARK: Effective

  /// YAML that could be read again, but for the masked secrets; where a value is not the default its origin is told.
  package static func effective(_ settings: Settings) -> String {
    nested(SettingTable.all) { setting in
      let value = settings[setting.key]
      if case .later = setting.support { return nil }
      let origin = settings.origin(setting.key)
      let note = origin == .builtIn ? "" : "  # \(origin)"
      if value == .none { return derived(setting, settings).map { [" \($0)  # default"] } }
      let text = setting.isSecret ? mask : SettingText.yaml(value, for: setting)
      return [" \(text)\(note)"]
    }
  }

  /// Defaults that depend on the machine or on other settings.
  private static func derived(_ setting: Setting, _ settings: Settings) -> String? {
    switch setting.key {
    case "http.threads": return String(settings.threads)
    case "auth.keys": return settings.keys == .store ? "store" : "file"
    case "auth.keys_file": if case .file(let path) = settings.keys { return SettingText.yaml(path) } else { return nil }
    case "storage.url":
      if case .folder(let path) = settings.store { return SettingText.yaml("file:\(path)") } else { return nil }
    default: return nil
    }
  }

  // MARK: config/callflow.yaml

  package static func sampleFile() -> String {
    let top = """
      # Every setting of Callflow with its default. A line that begins with "# " and a name has no constant default, or
      # belongs to a feature that this version does not have yet. Each setting can also be given in the environment
      # (http.listen is CALLFLOW_HTTP_LISTEN) and on the command line (--set http.listen=...). config/README.md explains
      # units and order.

      """
    return top
      + nested(SettingTable.all) { setting in
        let value = yamlDefault(setting)
        let isActive = !value.isEmpty && setting.support == .now
        var note = setting.meaning
        if let computed = setting.computed { note += " Default: \(computed)." }
        if setting.isSecret { note += " Better as \(setting.name)_file, the path of a file that holds it." }
        if setting.support != .now { note += " Not yet supported in this version." }
        return [note, isActive ? " \(value)" : value.isEmpty ? "-" : "- \(value)"]
      }
  }

  private static func yamlDefault(_ setting: Setting) -> String {
    switch setting.kind {
    case .list: setting.fallback.isEmpty ? "[]" : SettingText.yaml(setting.fallback)
    case .objects: "[]"
    case .text: setting.fallback.isEmpty ? "" : SettingText.yaml(setting.fallback)
    default: setting.fallback
    }
  }

  /// Groups as nested mappings. `lines` gives for a setting nil (leave out), or a comment (optional) and what
  /// follows the colon; a leading `-` there makes the whole line a comment.
  private static func nested(_ settings: [Setting], _ lines: (Setting) -> [String]?) -> String {
    var text = ""
    var open: [Substring] = []
    for setting in settings {
      guard let content = lines(setting), let last = content.last else { continue }
      let groups = setting.key.split(separator: ".").dropLast()
      let shared = zip(open, groups).prefix { $0 == $1 }.count
      open = Array(groups)
      for depth in shared..<groups.count {
        if content.count > 1, depth == 0, !text.isEmpty { text += "\n" }
        text += indent(depth) + "\(groups[depth]):\n"
      }
      let margin = indent(groups.count)
      if content.count > 1 { text += wrapped(content[0], margin: margin + "# ") }
      if last.hasPrefix("-") {
        text += "\(margin)# \(setting.name):\(last.dropFirst())\n"
      } else {
        text += "\(margin)\(setting.name):\(last)\n"
      }
    }
    return text
  }

  private static func indent(_ depth: Int) -> String { String(repeating: "  ", count: depth) }

  private static func wrapped(_ text: String, margin: String) -> String {
    var lines: [String] = []
    var line = ""
    for word in text.split(separator: " ") {
      if !line.isEmpty, margin.count + line.count + 1 + word.count > 110 {
        lines.append(line)
        line = ""
      }
      line += line.isEmpty ? String(word) : " \(word)"
    }
    lines.append(line)
    return lines.map { "\(margin)\($0)\n" }.joined()
  }
}

// MARK: - config/README.md

extension SettingsDocument {
  package static func readme() -> String {
    let supported = SettingTable.all.filter { $0.support == .now }
    let later = SettingTable.all.filter { $0.support != .now }
    return """
      # Settings

      `callflow serve --config FILE` reads a YAML file; [callflow.yaml](callflow.yaml) has every setting with its
      default. Without a file the defaults hold. A setting is taken from the first of these that gives it:

      1. the command line: `--set http.listen=127.0.0.1:9000`
      2. the environment: `http.listen` is `CALLFLOW_HTTP_LISTEN`; an empty variable counts as not set
      3. the file (`--config`, else the variable `CALLFLOW_CONFIG`)
      4. the default

      Sizes are written `16KiB`, `8MiB`, `1GiB` (powers of 1024), `1MB` (powers of 1000) or as a bare number of bytes;
      durations `100ms`, `10s`, `5m`, `6h`, `90d`, and where the name ends in `_seconds` also as a bare number. Lists
      are YAML lists in the file and comma-separated elsewhere. Secrets are never taken from the command line; each
      may be given as `<setting>_file`, the path of a file that holds it.

      `callflow check-config` checks everything, prints what is in force and ends with 78 where something is wrong:
      unknown settings are errors that name the line and the nearest known one, and all errors are shown at once.
      Unknown `CALLFLOW_` variables are a warning each. HUP reads the configuration again: `log.level` and the API
      keys take effect at once, everything else at the next start; a bad configuration changes nothing and is reported
      in the log.

      | Setting | Default | Meaning |
      |---|---|---|
      \(supported.map(row).joined(separator: "\n"))

      ## Not yet supported in this version

      These are known, so that a file for a later version is understood; any value but the default ends the start with
      78 and the setting's name.

      | Setting | Default | Meaning |
      |---|---|---|
      \(later.map(row).joined(separator: "\n"))

      """
  }

  private static func row(_ setting: Setting) -> String {
    let computed = setting.computed.map { $0.contains("<") ? "`\($0)`" : $0 }
    let fallback = computed ?? (setting.fallback.isEmpty ? "none" : "`\(setting.fallback)`")
    var meaning = setting.meaning
    if case .choice(let choices) = setting.kind {
      meaning += " One of " + choices.map { "`\($0)`" }.joined(separator: ", ") + "."
    }
    if setting.isSecret { meaning += " Secret; also as `\(setting.name)_file`." }
    return "| `\(setting.key)` | \(fallback) | \(meaning) |"
  }
}
