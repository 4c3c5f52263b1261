// Package.swift and Sources/README.md read as tables: which target uses which, and on which level each is.

struct PackageRows {
  /// Target -> what its row in Package.swift names as dependencies, products left out.
  var dependencies: [String: [String]] = [:]

  init(manifest: String) {
    let text = manifest.split(separator: "\n").map { $0.drop { $0 == " " } }.filter { !$0.hasPrefix("//") }.joined(
      separator: " ")
    var rest = text[...]
    while let start = Self.kinds.compactMap({ rest.firstRange(of: $0) }).min(by: { $0.lowerBound < $1.lowerBound }) {
      rest = rest[start.upperBound...]
      let row = Self.row(rest)
      guard let name = Self.strings(row).first else { continue }
      dependencies[name] = Self.list(row, after: "dependencies:").map { Self.strings($0) } ?? []
    }
  }

  private static let kinds = [".target(", ".testTarget(", ".executableTarget(", ".systemLibrary("]

  /// Up to the parenthesis that closes the row.
  private static func row(_ text: Substring) -> Substring {
    var depth = 1
    return text.prefix { character in
      if character == "(" { depth += 1 }
      if character == ")" { depth -= 1 }
      return depth > 0
    }
  }

  private static func list(_ row: Substring, after name: String) -> Substring? {
    guard let found = row.firstRange(of: name) else { return nil }
    return row[found.upperBound...].drop { $0 != "[" }.prefix { $0 != "]" }
  }

  /// The string literals that are no part of a `.product(...)`.
  private static func strings(_ text: Substring) -> [String] {
    var depth = 0
    var current: String?
    var found: [String] = []
    for character in text {
      if character == "\"" {
        if let literal = current, depth == 0 { found.append(literal) }
        current = current == nil ? "" : nil
      } else if current != nil {
        current?.append(character)
      } else if character == "(" {
        depth += 1
      } else if character == ")" {
        depth -= 1
      }
    }
    return found
  }
}

struct ReadingOrder {
  /// Target -> level and place in the table.
  var levels: [String: (level: Int, row: Int)] = [:]
  /// Target -> C modules that its last column allows.
  var modules: [String: Set<String>] = [:]

  init(readme: String) {
    for (row, line) in readme.split(separator: "\n").enumerated() where line.hasPrefix("|") {
      let cells = line.split(separator: "|", omittingEmptySubsequences: false).map { $0.filter { $0 != "`" }.trimmed }
      guard cells.count >= 5, let level = Int(cells[1]) else { continue }
      levels[cells[2]] = (level, row)
      modules[cells[2]] = Set(cells[4].split(separator: ",").map { String($0).trimmed }.filter { !$0.isEmpty })
    }
  }

  /// A sentence for every dependency that does not lead downward.
  func upward(_ rows: PackageRows) -> [String] {
    rows.dependencies.sorted { $0.key < $1.key }.flatMap { target, dependencies -> [String] in
      guard let own = levels[target] else { return [] }
      return dependencies.compactMap { dependency in
        guard let other = levels[dependency] else { return "\(target) uses \(dependency), which has no row" }
        return other.level < own.level || (other.level == own.level && other.row < own.row)
          ? nil : "\(target) (level \(own.level)) uses \(dependency) (level \(other.level))"
      }
    }
  }
}

extension StringProtocol {
  var trimmed: String {
    var text = self[...]
    while text.first == " " { text.removeFirst() }
    while text.last == " " { text.removeLast() }
    return String(text)
  }
}
