// Each rule shown to fail on text that breaks it and to pass text that only looks like it: a guard that cannot fail
// guards nothing.

import Testing

struct Snippet: Sendable, CustomStringConvertible {
  var rule: Rule
  var path: String
  var text: String

  var description: String { "\(rule.name): \(text.prefix(60))" }
}

private let engine = "Sources/EventStore/Sample.swift"
private let suite = "Tests/APITests/Sample.swift"
private let long = String(repeating: "  let a = 1\n", count: 70)

@Suite struct RuleTests {
  static let broken = [
    Snippet(rule: Rules.fileLength, path: engine, text: String(repeating: "\n", count: 501)),
    Snippet(rule: Rules.fileLength, path: "Tests/EndToEnd/a.py", text: String(repeating: "\n", count: 501)),
    Snippet(rule: Rules.lineLength, path: engine, text: "// " + String(repeating: "é", count: 118)),
    Snippet(rule: Rules.functionLength, path: engine, text: "func f() {\n\(long)}\n"),
    Snippet(rule: Rules.functionLength, path: engine, text: "  package init?(a: Int = { 1 }()) throws {\n\(long)}\n"),
    Snippet(
      rule: Rules.functionLength, path: engine, text: "@inline(never) static func f(\n  a: A\n) -> A {\n\(long)}\n"),
    Snippet(rule: Rules.leftovers, path: engine, text: "// TO" + "DO: later"),
    Snippet(rule: Rules.leftovers, path: "Tests/EndToEnd/a.py", text: "# FIX" + "ME"),
    Snippet(rule: Rules.cModules, path: engine, text: "import COpenSSL"),
    Snippet(rule: Rules.cModules, path: "Tests/CryptoTests/a.swift", text: "@preconcurrency import COpenSSL"),
    Snippet(rule: Rules.cModules, path: "Sources/Crypto/a.swift", text: "private import struct CZstd.ZSTD_CCtx"),
    Snippet(rule: Rules.foundation, path: engine, text: "import Foundation"),
    Snippet(rule: Rules.foundation, path: engine, text: "internal import FoundationEssentials"),
    Snippet(rule: Rules.fatal, path: engine, text: "guard a else { fatalError(\"no\") }"),
    Snippet(rule: Rules.fatal, path: engine, text: "let a = try! f()"),
    Snippet(rule: Rules.access, path: engine, text: "public struct A {}"),
    Snippet(rule: Rules.access, path: engine, text: "open class A {}"),
    Snippet(rule: Rules.detached, path: suite, text: "Task.detached { }"),
    Snippet(rule: Rules.ambient, path: engine, text: "let now = Date()"),
    Snippet(rule: Rules.ambient, path: engine, text: "ContinuousClock().now"),
    Snippet(rule: Rules.ambient, path: engine, text: "Int.random(in: 0..<3)"),
    Snippet(rule: Rules.ambient, path: engine, text: "log(\"at \\(Date())\")"),
    Snippet(rule: Rules.ambient, path: "Sources/Primitives/Hex.swift", text: "time(nil)"),
    Snippet(rule: Rules.sleeping, path: suite, text: "try await Task.sleep(for: .seconds(1))"),
    Snippet(rule: Rules.sleeping, path: suite, text: "usleep(10)"),
    Snippet(rule: Rules.sleeping, path: suite, text: "  sleep(1)"),
    Snippet(rule: Rules.fixedPorts, path: suite, text: "listen(host: \"127.0.0.1\", port: 8080)"),
    Snippet(rule: Rules.fixedPorts, path: suite, text: "let serverPort = 9_464"),
  ]

  static let good = [
    Snippet(rule: Rules.fileLength, path: engine, text: String(repeating: "\n", count: 500)),
    Snippet(rule: Rules.lineLength, path: engine, text: "// " + String(repeating: "é", count: 117)),
    Snippet(rule: Rules.functionLength, path: engine, text: "func f() { g(\"{\") }\n" + long),
    Snippet(
      rule: Rules.functionLength, path: engine,
      text: "protocol P {\n  func f()\n  var a: Int { get }\n}\nenum E {\n\(long)}\n"),
    Snippet(rule: Rules.leftovers, path: engine, text: "let TODOS = 1"),
    Snippet(rule: Rules.cModules, path: "Sources/Crypto/a.swift", text: "import COpenSSL"),
    Snippet(rule: Rules.cModules, path: engine, text: "import Crypto"),
    Snippet(rule: Rules.foundation, path: "Sources/API/a.swift", text: "import FoundationEssentials"),
    Snippet(rule: Rules.foundation, path: engine, text: "// import Foundation"),
    Snippet(rule: Rules.fatal, path: engine, text: "/* fatalError( /* nested */ try! */ let a = \"fatalError(\""),
    Snippet(rule: Rules.fatal, path: suite, text: "fatalError(\"in a test\")"),
    Snippet(rule: Rules.access, path: engine, text: "let publicKey = opened // public\nopen(path)\ncase open"),
    Snippet(rule: Rules.detached, path: suite, text: "Task { }"),
    Snippet(rule: Rules.ambient, path: engine, text: "HTTPDate(); update(); #\"Date()\"# ; \"\"\"\nDate()\n\"\"\""),
    Snippet(
      rule: Rules.ambient, path: "Sources/Primitives/Time/Clock.swift", text: "clock_gettime(CLOCK_REALTIME, &now)"),
    Snippet(rule: Rules.sleeping, path: engine, text: "Task.sleep(for: delay)"),
    Snippet(rule: Rules.sleeping, path: suite, text: "try await clock.sleep(1); func sleep(_ a: Int) {}"),
    Snippet(
      rule: Rules.fixedPorts, path: suite,
      text: "listen(port: 0); log(\"port: 8080\")"),
  ]

  @Test(arguments: broken) func rule_Complains_WhenTextBreaksIt(_ snippet: Snippet) {
    let file = SourceFile(path: snippet.path, text: snippet.text)
    #expect(!snippet.rule.violations(in: file).isEmpty)
  }

  @Test(arguments: good) func rule_IsSilent_WhenTextOnlyLooksLikeIt(_ snippet: Snippet) {
    let file = SourceFile(path: snippet.path, text: snippet.text)
    #expect(snippet.rule.violations(in: file) == [])
  }

  @Test func rules_HaveABreakingSnippetEach() {
    let shown = Set(Self.broken.map(\.rule.name))
    #expect(Rules.all.filter { !shown.contains($0.name) }.map(\.name) == [])
  }

  @Test func order_NamesDependencies_WhenTheyLeadUpward() {
    let order = ReadingOrder(readme: "| 1 | `A` | x | |\n| 2 | `B` | y | C |\n| 2 | `D` | z | |\n")
    let rows = PackageRows(
      manifest: """
        // .target(name: "Comment", dependencies: ["B"]),
        .target(name: "A", dependencies: ["B", "Unknown"]),
        .target(
          name: "B", dependencies: ["A", "D", logging, .product(name: "X", package: "y")], swiftSettings: settings),
        .target(name: "D", dependencies: ["A", "B"]),
        """)
    #expect(rows.dependencies == ["A": ["B", "Unknown"], "B": ["A", "D"], "D": ["A", "B"]])
    #expect(
      order.upward(rows) == [
        "A (level 1) uses B (level 2)", "A uses Unknown, which has no row", "B (level 2) uses D (level 2)",
      ])
  }

  @Test func paths_AreFound_WhenADocumentNamesThem() {
    let text =
      "see `Tests/README.md`, `config/` and `storage.data`\n```text\nTests/EndToEnd/06-load.sh --seed 1\n```\n`a/b`"
    #expect(Documents.paths(in: text) == ["Tests/README.md", "config/", "Tests/EndToEnd/06-load.sh"])
  }
}
