// The YAML file as dotted keys with line numbers. Reads Yams' node tree, because decoding into types loses the lines.

import Yams

enum SettingsFile {
  /// The file's settings, and what is wrong with its form. `path` is only for messages.
  static func read(_ text: String, path: String) -> (settings: [String: RawSetting], problems: [String]) {
    var reader = Reader(path: path)
    do {
      if let root = try Yams.compose(yaml: text) { reader.read(root, prefix: "") }
    } catch {
      reader.problems.append("\(path): \(describe(error))")
    }
    return (reader.settings, reader.problems)
  }

  private static func describe(_ error: any Error) -> String {
    guard let error = error as? YamlError else { return "not YAML: \(error)" }
    switch error {
    case .scanner(_, let problem, let mark, _), .parser(_, let problem, let mark, _),
      .composer(_, let problem, let mark, _):
      return "line \(mark.line): not YAML: \(problem)"
    case .duplicatedKeysInMapping(let duplicates, let context):
      let keys = duplicates.map { "\($0)" }.sorted().joined(separator: ", ")
      return "line \(context.mark.line): given twice: \(keys)"
    default: return "not YAML: \(error)"
    }
  }
}

private struct Reader {
  let path: String
  var settings: [String: RawSetting] = [:]
  var problems: [String] = []

  mutating func read(_ node: Node, prefix: String) {
    if isNull(node) { return }
    guard case .mapping(let mapping) = node else {
      let what = prefix.isEmpty ? "the file" : "\"\(prefix)\""
      problems.append("\(path), line \(line(node)): \(what) must be a group of settings")
      return
    }
    for (keyNode, value) in mapping {
      guard let name = keyNode.string else {
        problems.append("\(path), line \(line(keyNode)): a setting's name must be a text")
        continue
      }
      readMember(name, at: line(keyNode), value, prefix: prefix)
    }
  }

  private mutating func readMember(_ name: String, at line: Int, _ value: Node, prefix: String) {
    let key = prefix.isEmpty ? name : "\(prefix).\(name)"
    let origin = SettingOrigin.file(path: path, line: line)
    if SettingTable.setting(key) != nil || SettingTable.isSecretFile(key) {
      if let content = content(value) { settings[key] = RawSetting(content: content, origin: origin) }
    } else if SettingTable.isGroup(key) {
      read(value, prefix: key)
    } else {
      problems.append("\(path), line \(line): unknown setting \"\(key)\"; \(NearestName.hint(name, in: prefix))")
    }
  }

  /// nil where nothing is given.
  private func content(_ node: Node) -> RawSetting.Content? {
    switch node {
    case .scalar(let scalar): return isNull(node) ? nil : .scalar(scalar.string)
    case .sequence(let sequence):
      let texts = sequence.compactMap { element in element.scalar.map(\.string) }
      return texts.count == sequence.count ? .list(texts) : .objects
    case .mapping(let mapping): return mapping.isEmpty ? nil : .objects
    case .alias: return .objects
    }
  }

  /// Nothing, `~` or `null`, not in quotes.
  private func isNull(_ node: Node) -> Bool {
    guard case .scalar(let scalar) = node, scalar.style == .plain || scalar.style == .any else { return false }
    return ["", "~", "null"].contains(scalar.string)
  }

  private func line(_ node: Node) -> Int { node.mark?.line ?? 0 }
}
