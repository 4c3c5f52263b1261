// From the text of a value to the value: sizes, durations, numbers, with the rule that is broken where it is none.

struct SettingRule: Error, Equatable {
  /// Reads on from the value: "'much' is not a size".
  let text: String
}

enum SettingParser {
  static func parse(_ content: RawSetting.Content, for setting: Setting) throws(SettingRule) -> SettingValue {
    switch (setting.kind, content) {
    case (.objects, .list(let elements)) where elements.isEmpty: return .none
    case (.objects, .scalar(let text)) where text.isEmpty: return .none
    case (.objects, _): return .list(["..."])
    case (_, .objects): throw SettingRule(text: "must be \(noun(setting.kind)), not a group of settings")
    case (.list, .list(let elements)): return elements.isEmpty ? .none : .list(elements)
    case (.list, .scalar(let text)):
      let elements = text.split(separator: ",").map { trimmed($0) }.filter { !$0.isEmpty }
      return elements.isEmpty ? .none : .list(elements)
    case (_, .list): throw SettingRule(text: "must be \(noun(setting.kind)), not a list")
    case (_, .scalar(let text)): return try scalar(text, for: setting)
    }
  }

  private static func scalar(_ text: String, for setting: Setting) throws(SettingRule) -> SettingValue {
    if text.isEmpty { return .none }
    switch setting.kind {
    case .text, .list, .objects: return .text(text)
    case .flag:
      guard let flag = flags[text.lowercased()] else { throw SettingRule(text: "must be true or false") }
      return .flag(flag)
    case .choice(let choices):
      guard choices.contains(text) else { throw SettingRule(text: "must be one of \(choices.joined(separator: ", "))") }
      return .text(text)
    case .integer(let range):
      guard let number = Int(text) else { throw SettingRule(text: "must be a whole number") }
      guard range.contains(number) else {
        throw SettingRule(text: bounds("\(range.lowerBound)", range.upperBound == .max ? nil : "\(range.upperBound)"))
      }
      return .integer(number)
    case .size(let range):
      guard let size = size(text) else { throw SettingRule(text: "must be a size like 16KiB, 8MiB or 1GB") }
      guard range.contains(size) else {
        throw SettingRule(text: bounds(SettingText.size(range.lowerBound), SettingText.size(range.upperBound)))
      }
      return .integer(size)
    case .duration(let range):
      guard let seconds = seconds(text, isBareAllowed: setting.key.hasSuffix("_seconds")) else {
        throw SettingRule(text: "must be a duration like 100ms, 10s, 5m, 6h or 90d")
      }
      guard range.contains(seconds) else {
        throw SettingRule(text: bounds(SettingText.duration(range.lowerBound), SettingText.duration(range.upperBound)))
      }
      return .seconds(seconds)
    }
  }

  private static func bounds(_ least: String, _ most: String?) -> String {
    most.map { "must be from \(least) to \($0)" } ?? "must be at least \(least)"
  }

  private static let flags = ["true": true, "false": false]

  private static func noun(_ kind: Setting.Kind) -> String {
    switch kind {
    case .text: "a text"
    case .flag: "true or false"
    case .integer: "a number"
    case .size: "a size"
    case .duration: "a duration"
    case .choice(let choices): "one of \(choices.joined(separator: ", "))"
    case .list: "a list"
    case .objects: "a list of objects"
    }
  }

  // MARK: Units

  static let sizeUnits: [(name: String, bytes: Int)] = [
    ("TiB", 1 << 40), ("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10), ("TB", 1_000_000_000_000),
    ("GB", 1_000_000_000),
    ("MB", 1_000_000), ("KB", 1000), ("B", 1),
  ]

  static func size(_ text: String) -> Int? {
    let unit = sizeUnits.first { text.hasSuffix($0.name) }
    let digits = trimmed(text.dropLast(unit?.name.count ?? 0))
    guard let number = whole(digits) else { return nil }
    let (bytes, overflows) = number.multipliedReportingOverflow(by: unit?.bytes ?? 1)
    return overflows ? nil : bytes
  }

  static let durationUnits: [(name: String, seconds: Double)] = [
    ("ms", 0.001), ("s", 1), ("m", 60), ("h", 3600), ("d", 86_400),
  ]

  /// `0` needs no unit anywhere.
  static func seconds(_ text: String, isBareAllowed: Bool) -> Double? {
    if let unit = durationUnits.first(where: { text.hasSuffix($0.name) }) {
      return decimal(trimmed(text.dropLast(unit.name.count))).map { $0 * unit.seconds }
    }
    guard let number = decimal(text), isBareAllowed || number == 0 else { return nil }
    return number
  }

  /// Digits only: no sign, no blank.
  private static func whole(_ text: String) -> Int? {
    text.utf8.allSatisfy { (0x30...0x39).contains($0) } ? Int(text) : nil
  }

  /// Digits with at most one point between them.
  private static func decimal(_ text: String) -> Double? {
    let parts = text.split(separator: ".", maxSplits: 1, omittingEmptySubsequences: false)
    guard parts.allSatisfy({ whole(String($0)) != nil }) else { return nil }
    return Double(text)
  }

  static func trimmed(_ text: some StringProtocol) -> String {
    var rest = Substring(text)
    while rest.first?.isWhitespace == true { rest.removeFirst() }
    while rest.last?.isWhitespace == true { rest.removeLast() }
    return String(rest)
  }
}
