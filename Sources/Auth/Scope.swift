// What a principal may do. The names are those of CONTRACT 3.5: they stand in keys.json, tokens, the OpenAPI document
// and logs.

package struct Scope: OptionSet, Sendable, Hashable {
  package let rawValue: UInt16

  package init(rawValue: UInt16) { self.rawValue = rawValue }

  package static let eventsWrite = Scope(rawValue: 1 << 0)
  package static let eventsRead = Scope(rawValue: 1 << 1)
  package static let eventsReadPII = Scope(rawValue: 1 << 2)
  package static let eventsImport = Scope(rawValue: 1 << 3)
  package static let eventsErase = Scope(rawValue: 1 << 4)
  package static let recordingsWrite = Scope(rawValue: 1 << 5)
  package static let recordingsRead = Scope(rawValue: 1 << 6)
  package static let metricsRead = Scope(rawValue: 1 << 7)
  package static let admin = Scope(rawValue: 1 << 8)

  /// What `keys create` gives where nothing else is asked for.
  package static let standard: Scope = [.eventsWrite, .eventsRead]

  /// Every scope with its name, in the order in which lists of scopes are written.
  package static let all: [(scope: Scope, name: String)] = [
    (.eventsWrite, "events:write"),
    (.eventsRead, "events:read"),
    (.eventsReadPII, "events:read_pii"),
    (.eventsImport, "events:import"),
    (.eventsErase, "events:erase"),
    (.recordingsWrite, "recordings:write"),
    (.recordingsRead, "recordings:read"),
    (.metricsRead, "metrics:read"),
    (.admin, "admin"),
  ]

  /// The scope of exactly that name; nil where there is none.
  package init?(name: some StringProtocol) {
    guard let found = Self.all.first(where: { name == $0.name }) else { return nil }
    self = found.scope
  }

  /// The union of `names`; nil where one of them is unknown or there is none.
  package init?(names: some Sequence<String>) {
    var union: Scope = []
    for name in names {
      guard let scope = Scope(name: name) else { return nil }
      union.insert(scope)
    }
    if union.isEmpty { return nil }
    self = union
  }

  package var names: [String] { Self.all.filter { contains($0.scope) }.map(\.name) }
}
