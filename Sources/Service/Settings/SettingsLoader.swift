// The layers: built-in defaults, the file, the environment, the command line; later ones win. All errors are
// collected, so that one run shows everything there is to mend.

import Primitives

package struct SettingsSources: Sendable {
  /// `--config`; else `CALLFLOW_CONFIG`; else there is no file.
  package var file: String?
  package var environment: [String: String]
  /// `--set key=value`.
  package var overrides: [String]

  package init(file: String? = nil, environment: [String: String] = [:], overrides: [String] = []) {
    self.file = file
    self.environment = environment
    self.overrides = overrides
  }
}

package enum SettingsLoader {
  /// Variables of the commands and tests, which are no settings.
  private static let otherVariables: Set<String> = [
    "CALLFLOW_URL", "CALLFLOW_KEY", "CALLFLOW_CORPORA", "CALLFLOW_CONFIG",
  ]

  /// Throws `SettingsErrors` with a line for each thing that is wrong. The warnings are for whoever runs the command.
  package static func load(
    _ sources: SettingsSources
  ) throws(SettingsErrors) -> (settings: Settings, warnings: [String]) {
    var problems: [String] = []
    var warnings: [String] = []
    var raw = readFile(sources, &problems)
    raw.merge(readEnvironment(sources.environment, &warnings)) { _, new in new }
    raw.merge(readOverrides(sources.overrides, &problems)) { _, new in new }
    readSecretFiles(&raw, &problems)
    var values: [String: SettingValue] = [:]
    var origins: [String: SettingOrigin] = [:]
    for setting in SettingTable.all {
      let given = raw[setting.key] ?? RawSetting(content: .scalar(setting.fallback), origin: .builtIn)
      do {
        var value = try SettingParser.parse(given.content, for: setting)
        // Nothing given is the same as not given.
        if value == .none { value = try SettingParser.parse(.scalar(setting.fallback), for: setting) }
        try checkSupport(setting, value)
        values[setting.key] = value
        origins[setting.key] = given.origin
      } catch {
        problems.append(problem(setting, given, error.text))
      }
    }
    if problems.isEmpty {
      let settings = Settings(values: values, origins: origins, environment: sources.environment)
      problems = SettingRules.problems(of: settings)
      if problems.isEmpty { return (settings, warnings + SettingRules.warnings(of: settings, given: Set(raw.keys))) }
    }
    throw SettingsErrors(problems)
  }

  private static func problem(_ setting: Setting, _ given: RawSetting, _ rule: String) -> String {
    let shown = setting.isSecret ? "" : " \"\(given.text)\""
    return "\(setting.key):\(shown) (\(given.origin)): \(rule)"
  }

  private static func checkSupport(_ setting: Setting, _ value: SettingValue) throws(SettingRule) {
    guard case .later(let harmless) = setting.support else { return }
    for accepted in [setting.fallback] + harmless {
      if value == (try SettingParser.parse(.scalar(accepted), for: setting)) { return }
    }
    let fallback = setting.fallback.isEmpty ? "unset" : setting.fallback
    throw SettingRule(text: "not yet supported in this version; leave it at its default (\(fallback))")
  }

  // MARK: Layers

  private static func readFile(_ sources: SettingsSources, _ problems: inout [String]) -> [String: RawSetting] {
    let variable = sources.environment["CALLFLOW_CONFIG"].flatMap { $0.isEmpty ? nil : $0 }
    guard let path = sources.file ?? variable else { return [:] }
    do {
      let text = try SmallFile.readText(path)
      let (settings, found) = SettingsFile.read(text, path: path)
      problems += found
      return settings
    } catch {
      problems.append("the configuration file \(error)")
      return [:]
    }
  }

  private static func readEnvironment(
    _ environment: [String: String], _ warnings: inout [String]
  ) -> [String: RawSetting] {
    var raw: [String: RawSetting] = [:]
    for (name, value) in environment.sorted(by: { $0.key < $1.key }) where name.hasPrefix("CALLFLOW_") {
      if let key = SettingTable.key(environment: name) {
        guard !value.isEmpty else { continue }
        raw[key] = RawSetting(content: .scalar(value), origin: .environment(name: name))
      } else if !otherVariables.contains(name) {
        warnings.append("the environment variable \(name) is no setting and is ignored")
      }
    }
    return raw
  }

  private static func readOverrides(_ overrides: [String], _ problems: inout [String]) -> [String: RawSetting] {
    var raw: [String: RawSetting] = [:]
    for override in overrides {
      guard let equals = override.firstIndex(of: "=") else {
        problems.append("--set \(override): must be key=value")
        continue
      }
      let key = String(override[..<equals])
      if SettingTable.setting(key)?.isSecret == true {
        problems.append(
          "--set \(key): a secret is never taken from the command line; use \(key)_file or the environment")
      } else if SettingTable.setting(key) != nil || SettingTable.isSecretFile(key) {
        let value = String(override[override.index(after: equals)...])
        raw[key] = RawSetting(content: .scalar(value), origin: .flag)
      } else {
        let parts = key.split(separator: ".")
        let prefix = parts.dropLast().joined(separator: ".")
        let hint = NearestName.hint(String(parts.last ?? ""), in: SettingTable.isGroup(prefix) ? prefix : "")
        problems.append("--set \(key): unknown setting; \(hint)")
      }
    }
    return raw
  }

  private static func readSecretFiles(_ raw: inout [String: RawSetting], _ problems: inout [String]) {
    for setting in SettingTable.all where setting.isSecret {
      guard let file = raw[setting.key + "_file"], !file.text.isEmpty else { continue }
      guard raw[setting.key] == nil else {
        problems.append("\(setting.key) and \(setting.key)_file (\(file.origin)): only one of them may be given")
        continue
      }
      do {
        let secret = SettingParser.trimmed(try SmallFile.readText(file.text))
        raw[setting.key] = RawSetting(content: .scalar(secret), origin: .secretFile(path: file.text))
        if secret.isEmpty { problems.append("\(setting.key)_file (\(file.origin)): \(file.text) is empty") }
      } catch {
        problems.append("\(setting.key)_file (\(file.origin)): \(error)")
      }
    }
  }
}
