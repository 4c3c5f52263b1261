// The rules applied to the repository as it is.

import Foundation
import Testing

/// Paths that documents name.
enum Documents {
  static let roots = ["Sources/", "Tests/", "config/", "systemd/", "docker/", ".ci/"]

  /// Every word that looks like a path of this repository.
  static func paths(in text: String) -> [String] {
    let separators: Set<Character> = ["`", " ", "\n", "(", ")", "\"", "'", ",", "|"]
    return text.split { separators.contains($0) }.map(String.init).filter { word in
      roots.contains { word.hasPrefix($0) } && !word.contains("*") && !word.contains("<")
    }.map { $0.hasSuffix(".") ? String($0.dropLast()) : $0 }
  }
}

@Suite struct TreeTests {
  static let files = SourceTree.sources + SourceTree.tests

  @Test func tree_IsFound() {
    #expect(SourceTree.sources.count > 20)
    #expect(SourceTree.tests.count > 20)
  }

  @Test(arguments: Rules.all) func tree_FollowsTheRule(_ rule: Rule) {
    let violations = Self.files.flatMap { rule.violations(in: $0) }
    #expect(violations.isEmpty, "\(violations.map(\.description).joined(separator: "\n"))")
  }

  @Test func targets_UseLowerRowsOnly() throws {
    let order = ReadingOrder(readme: try SourceTree.text("Sources/README.md"))
    let rows = PackageRows(manifest: try SourceTree.text("Package.swift"))
    #expect(rows.dependencies.count > 15)
    #expect(order.upward(rows) == [])
    let folders = Set(SourceTree.sources.map(\.target))
    #expect(folders.subtracting(order.levels.keys) == [], "Sources/README.md has no row")
    #expect(Set(order.levels.keys).subtracting(rows.dependencies.keys) == [], "Package.swift has no row")
  }

  /// The column of Sources/README.md and the rule say the same.
  @Test func cModules_AreListed_WhereTheRuleAllowsThem() throws {
    let order = ReadingOrder(readme: try SourceTree.text("Sources/README.md"))
    for (target, modules) in order.modules {
      let allowed = Set(Rules.wrappers.filter { $0.value.contains(target) && order.levels[$0.key] != nil }.keys)
      #expect(modules == allowed, "\(target)")
    }
  }

  /// Every import of one of our targets is a row downward, also where a dependency comes in through another one.
  @Test func imports_LeadDownward() throws {
    let order = ReadingOrder(readme: try SourceTree.text("Sources/README.md"))
    for file in SourceTree.sources where file.isSwift {
      guard let own = order.levels[file.target] else { continue }
      for (module, line) in file.code.imports {
        guard let other = order.levels[module] else { continue }
        #expect(other.row < own.row, "\(file.path):\(line) imports \(module)")
      }
    }
  }

  @Test(arguments: ["README.md", "Sources/README.md", "Tests/README.md", "config/README.md", "CHANGELOG.md"])
  func documents_NamePathsThatExist(_ document: String) throws {
    let paths = Documents.paths(in: try SourceTree.text(document))
    #expect(paths.filter { !SourceTree.exists($0) } == [])
  }

  @Test func sampleConfiguration_Exists() {
    #expect(SourceTree.exists("config/callflow.yaml"))
  }

  @Test func topLevel_HasWhatTheCustomerAskedForAndNothingElse() throws {
    let expected: Set = [
      "Package.swift", "Package.resolved", "Sources", "Tests", "config", "systemd", "docker", "README.md", "Makefile",
      "LICENSE", "CHANGELOG.md",
    ]
    // What git ignores: run data.
    let ignored: Set = ["data", "bench"]
    let names = try FileManager.default.contentsOfDirectory(atPath: SourceTree.root.path).filter { !$0.hasPrefix(".") }
    #expect(Set(names).subtracting(expected).subtracting(ignored) == [])
  }

  /// Tests may unwrap by force, sources may not; otherwise both folders have one style.
  @Test func formatSettings_DifferOnlyInForceRules() throws {
    var expected = try SourceTree.text(".swift-format")
    for name in ["NeverForceUnwrap", "NeverUseForceTry", "NeverUseImplicitlyUnwrappedOptionals"] {
      #expect(expected.contains("\"\(name)\": true"))
      expected = expected.replacing("\"\(name)\": true", with: "\"\(name)\": false")
    }
    #expect(try SourceTree.text("Tests/.swift-format") == expected)
  }
}
