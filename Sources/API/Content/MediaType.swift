// Media types: reading Content-Type and Accept (RFC 9110, 8.3.1 and 12.5.1) as far as choosing among a few known types
// needs.

package enum MediaType {
  package static let json = "application/json"
  package static let ndjson = "application/x-ndjson"
  package static let problem = "application/problem+json"
  package static let prometheus = "text/plain; version=0.0.4; charset=utf-8"

  /// Type and subtype of a Content-Type value, lower case, without parameters; nil where it is malformed or in a
  /// charset other than UTF-8, which JSON must be in (RFC 8259, 8.1).
  static func essence(_ value: String) -> String? {
    let parts = value.split(separator: ";", omittingEmptySubsequences: false).map(trimmed)
    let essence = parts[0].lowercased()
    guard essence.utf8.count(where: { $0 == UInt8(ascii: "/") }) == 1 else { return nil }
    for parameter in parts.dropFirst() where !parameter.isEmpty {
      guard let equals = parameter.firstIndex(of: "=") else { return nil }
      guard parameter[..<equals].lowercased() == "charset" else { continue }
      let charset = parameter[parameter.index(after: equals)...].lowercased()
      guard charset == "utf-8" || charset == "\"utf-8\"" else { return nil }
    }
    return essence
  }

  /// Whether an Accept value lets one of `offers` through: of the ranges that fit an offer the most specific one
  /// decides. A value without any readable range forbids nothing.
  static func accepts(_ value: String, _ offers: [String]) -> Bool {
    let ranges = value.split(separator: ",").compactMap(range)
    guard !ranges.isEmpty else { return true }
    return offers.contains { offer in
      let essence = offer.prefix { $0 != ";" }
      let type = essence.prefix { $0 != "/" }
      let fitting = ranges.filter { $0.name == essence || $0.name == "\(type)/*" || $0.name == "*/*" }
      return fitting.max { $0.specificity < $1.specificity }?.isWanted ?? false
    }
  }

  private struct MediaRange {
    var name: String
    var isWanted: Bool
    var specificity: Int { name == "*/*" ? 0 : name.hasSuffix("/*") ? 1 : 2 }
  }

  private static func range(_ text: Substring) -> MediaRange? {
    let parts = text.split(separator: ";", omittingEmptySubsequences: false).map(trimmed)
    let name = parts[0].lowercased()
    guard name.contains("/") else { return nil }
    // Only a weight of zero (`0`, `0.`, `0.0` to `0.000`) says no.
    let isRefused = parts.dropFirst().contains { parameter in
      let weight = parameter.lowercased()
      return weight.hasPrefix("q=0") && weight.dropFirst(3).allSatisfy { $0 == "." || $0 == "0" }
    }
    return MediaRange(name: name, isWanted: !isRefused)
  }

  private static func trimmed(_ text: Substring) -> Substring {
    let start = text.drop { $0 == " " || $0 == "\t" }
    let end = start.lastIndex { $0 != " " && $0 != "\t" }
    return end.map { start[...$0] } ?? ""
  }
}
