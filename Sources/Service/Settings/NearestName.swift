// What somebody probably meant.

enum NearestName {
  /// For an unknown `name` in the group `prefix`: the nearest name of that group, else the nearest of all.
  static func hint(_ name: String, in prefix: String) -> String {
    let siblings = SettingTable.names(in: prefix)
    let start = prefix.isEmpty ? "" : prefix + "."
    if let sibling = nearest(to: name, of: siblings), distance(name, sibling) <= max(2, name.count / 2) {
      return "the nearest known one is \"\(start)\(sibling)\""
    }
    // Perhaps the right name in the wrong group.
    let keys = SettingTable.all.map(\.key)
    let whole = keys.first { $0.hasSuffix(".\(name)") } ?? nearest(to: start + name, of: keys) ?? ""
    return "the nearest known one is \"\(whole)\""
  }

  static func nearest(to name: String, of candidates: [String]) -> String? {
    candidates.min { distance(name, $0) < distance(name, $1) }
  }

  /// Levenshtein's: insertions, deletions and substitutions.
  static func distance(_ left: String, _ right: String) -> Int {
    let left = Array(left.utf8)
    let right = Array(right.utf8)
    var row = Array(0...right.count)
    for (index, byte) in left.enumerated() {
      var diagonal = row[0]
      row[0] = index + 1
      for column in right.indices {
        let substituted = diagonal + (byte == right[column] ? 0 : 1)
        diagonal = row[column + 1]
        row[column + 1] = min(substituted, row[column] + 1, diagonal + 1)
      }
    }
    return row[right.count]
  }
}
