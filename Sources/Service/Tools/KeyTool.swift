// `keys create`, `list` and `revoke`, on the file or the bucket that the settings name.

import Auth
import Observability
import Primitives

package enum KeyTool {
  package struct Request: Sendable {
    package var name: String
    package var scopes: [String] = []
    /// A duration such as `90d`; nil for a key that does not expire.
    package var expires: String?

    package init(name: String) { self.name = name }
  }

  /// The secret, which is shown once and kept nowhere.
  package static func create(_ request: Request, _ settings: Settings) async throws -> String {
    guard APIKey.isValidName(request.name) else {
      throw ServiceFailure.failed(KeysDocumentError.invalidName(request.name).message)
    }
    let scopes = try scopes(request.scopes)
    let now = SystemClock().wallNanoseconds()
    let expiresAt = try request.expires.map { try expiry($0, now) }
    return try await withSource(settings) { source in
      try await source.create(
        name: request.name, scopes: scopes, expiresAt: expiresAt, now: now, random: SystemRandom())
    }
  }

  /// A line a key: name, state, scopes, when it was made and when it ends.
  package static func list(_ settings: Settings) async throws -> [String] {
    let now = SystemClock().wallNanoseconds()
    let keys = try await withSource(settings) { source in
      try await source.read(unless: nil)?.document.keys ?? []
    }
    let rows = keys.map {
      [$0.name, state($0, now), $0.scopes.names.joined(separator: ","), time($0.createdAt), end($0)]
    }
    return aligned([["NAME", "STATE", "SCOPES", "CREATED", "ENDS"]] + rows)
  }

  package static func revoke(_ name: String, _ settings: Settings) async throws {
    try await withSource(settings) { source in
      try await source.revoke(name, now: SystemClock().wallNanoseconds())
    }
  }

  // MARK: Parts

  private static func withSource<Result: Sendable>(
    _ settings: Settings, _ body: (any KeySource) async throws -> Result
  ) async throws -> Result {
    do {
      guard settings.keys == .store else {
        try DataFolderCheck.make(settings.dataFolder)
        return try await body(fileSource(settings))
      }
      return try await CommandSetup.withLoops { group in
        let storage = try await StoreAssembly(
          settings: settings, group: group, registry: MetricRegistry(), clock: SystemClock(), random: SystemRandom())
        do {
          let result = try await body(storage.keySource(settings))
          await storage.shutDown()
          return result
        } catch {
          await storage.shutDown()
          throw error
        }
      }
    } catch let error as KeySourceError {
      throw ServiceFailure.failed(error.message)
    }
  }

  private static func fileSource(_ settings: Settings) -> any KeySource {
    guard case .file(let path) = settings.keys else { return FileKeySource(path: "\(settings.dataFolder)/keys.json") }
    return FileKeySource(path: path)
  }

  private static func scopes(_ names: [String]) throws(ServiceFailure) -> Scope {
    if names.isEmpty { return .standard }
    for name in names where Scope(name: name) == nil {
      let known = Scope.all.map(\.name).joined(separator: ", ")
      throw .failed("\"\(name)\" is no scope; the scopes are \(known)")
    }
    return Scope(names: names) ?? .standard
  }

  private static func expiry(_ text: String, _ now: Int64) throws(ServiceFailure) -> Int64 {
    guard let seconds = SettingParser.seconds(text, isBareAllowed: false), seconds > 0, seconds <= 36_500 * 86_400
    else {
      throw .failed("--expires \"\(text)\": must be a duration like 12h or 90d, at most 36500d")
    }
    let (sum, overflows) = now.addingReportingOverflow(Int64(seconds * 1e9))
    return overflows ? Int64.max : sum
  }

  private static func state(_ key: APIKey, _ now: Int64) -> String {
    if key.revokedAt != nil { return "revoked" }
    return key.expiresAt.map { $0 <= now ? "expired" : "active" } ?? "active"
  }

  private static func end(_ key: APIKey) -> String { (key.revokedAt ?? key.expiresAt).map(time) ?? "never" }

  private static func time(_ nanoseconds: Int64) -> String { RFC3339.string(nanoseconds, fractionDigits: 0) }

  private static func aligned(_ rows: [[String]]) -> [String] {
    let widths = (0..<5).map { column in rows.map { $0[column].count }.max() ?? 0 }
    return rows.map { row in
      zip(row, widths).map { $0 + String(repeating: " ", count: $1 - $0.count) }.joined(separator: "  ")
    }.map { SettingParser.trimmed($0) }
  }
}
