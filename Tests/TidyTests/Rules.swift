// The rules of the house that a reader of text can hold. Force unwrapping and `try!` are not among them: `make lint`
// finds those in Sources (.swift-format), where the Swift parser knows them from other uses of the sign.

struct Violation: CustomStringConvertible, Equatable {
  var path: String
  var line: Int
  var reason: String

  var description: String { "\(path):\(line): \(reason)" }
}

struct Rule: Sendable, CustomStringConvertible {
  var name: String
  var applies: @Sendable (SourceFile) -> Bool
  /// Line (from 1) and reason of every violation.
  var check: @Sendable (SourceFile) -> [(Int, String)]

  var description: String { name }

  func violations(in file: SourceFile) -> [Violation] {
    guard applies(file) else { return [] }
    return check(file).map { Violation(path: file.path, line: $0.0, reason: $0.1) }
  }
}

enum Rules {
  static let all: [Rule] = [
    fileLength, lineLength, functionLength, leftovers, cModules, foundation, fatal, access, detached, ambient, sleeping,
    fixedPorts,
  ]

  static let fileLength = Rule(name: "no file above 500 lines", applies: { $0.isSwift || $0.isScript }) { file in
    let count = file.rawLines.count
    return count > 500 ? [(500, "\(count) lines, at most 500")] : []
  }

  static let lineLength = Rule(name: "no line above 120 characters", applies: { !$0.path.hasSuffix(".yaml") }) { file in
    file.rawLines.enumerated().compactMap { index, line in
      line.count > 120 ? (index + 1, "\(line.count) characters, at most 120") : nil
    }
  }

  static let functionLength = Rule(name: "no function above 70 lines", applies: \.isSwift) { file in
    file.code.functions.compactMap { name, line, count in
      count > 70 ? (line, "\(name) has \(count) lines, at most 70") : nil
    }
  }

  /// In comments as well; the words are put together so that this file may name them.
  static let leftovers = Rule(name: "nothing left for later", applies: { $0.target != "TidyTests" }) { file in
    let words = ["TO" + "DO", "FIX" + "ME", "X" + "XX"].filter(file.contains)
    if words.isEmpty { return [] }
    return file.rawLines.enumerated().flatMap { index, line in
      words.filter { line.containsWord($0) }.map { (index + 1, $0) }
    }
  }

  /// Who may import what from C. C types do not leave these targets.
  static let wrappers: [String: Set<String>] = [
    "CLibevent": ["EventLoop"], "COpenSSL": ["EventLoop", "Crypto"], "CZstd": ["EventStore"],
    "CZlib": ["HTTPTransport"],
    "CIntrinsics": ["Primitives"],
  ]

  static let cModules = Rule(name: "C modules only where they are wrapped", applies: \.isSwift) { file in
    file.code.imports.compactMap { module, line in
      guard let wrappers = wrappers[module], !wrappers.contains(file.target) else { return nil }
      return (line, "\(file.target) imports \(module)")
    }
  }

  static let aboveFoundation: Set = ["API", "Service", "callflow"]

  static let foundation = Rule(
    name: "no Foundation below API", applies: { $0.isSource && !aboveFoundation.contains($0.target) }
  ) { file in
    file.code.imports.compactMap { module, line in
      module.hasPrefix("Foundation") ? (line, "\(file.target) imports \(module)") : nil
    }
  }

  static let fatal = words("no fatalError", ["fatalError(", "try!"], in: \.isSource)
  static let access = words(
    "nothing public", ["public", "open class", "open func", "open var", "open init", "open subscript"],
    in: { $0.isSource && $0.target != "callflow" })
  static let detached = words("nothing detached", ["Task.detached"], in: { _ in true })

  /// Time and randomness come in as parameters, so that tests can choose them.
  static let ambient = words(
    "no ambient clock or randomness",
    [
      "Date()", "Date.now", "clock_gettime", "gettimeofday", "ContinuousClock", "SuspendingClock", "DispatchTime",
      "SystemRandomNumberGenerator",
      ".random(in", ".random()", ".randomElement(", ".shuffled()", "arc4random", "getrandom", "time(nil)", "UUID()",
    ],
    in: { $0.isSource && !ambientIsWrappedIn.contains($0.path) })

  static let ambientIsWrappedIn: Set = [
    "Sources/Primitives/Time/Clock.swift", "Sources/Primitives/Identifiers/RandomSource.swift",
  ]

  /// Tests wait for what they wait for, never for time.
  static let sleeping = Rule(
    name: "tests do not sleep",
    applies: { $0.isSwift && $0.path.hasPrefix("Tests/") && !sleepingIsNeededIn.contains($0.path) }
  ) { file in
    guard file.contains("sleep") else { return [] }
    return file.code.lines.enumerated().compactMap { index, line in
      let pauses = ["Task.sleep", "usleep", "nanosleep", "Thread.sleep"].contains { line.containsWord($0) }
      return pauses || line.drop { $0 == " " }.hasPrefix("sleep(") ? (index + 1, "a sleep") : nil
    }
  }

  /// Another program's readiness has no sign but its answers; and the pause that the real store is given as a
  /// parameter.
  static let sleepingIsNeededIn: Set = ["Tests/Support/SeaweedFSServer.swift", "Tests/EventStoreTests/Fixtures.swift"]

  static let fixedPorts = Rule(name: "tests take port 0", applies: { $0.isSwift && $0.path.hasPrefix("Tests/") }) {
    file in
    guard file.contains("ort") else { return [] }
    return file.code.lines.enumerated().compactMap { index, line in
      line.passesFixedPort ? (index + 1, "a fixed port") : nil
    }
  }

  private static func words(
    _ name: String, _ forbidden: [String], in applies: @escaping @Sendable (SourceFile) -> Bool
  ) -> Rule {
    Rule(name: name, applies: { $0.isSwift && applies($0) }) { file in
      let forbidden = forbidden.filter(file.contains)
      if forbidden.isEmpty { return [] }
      return file.code.lines.enumerated().flatMap { index, line in
        forbidden.filter { line.containsWord($0) }.map { (index + 1, $0) }
      }
    }
  }
}

extension SourceFile {
  var isSource: Bool { path.hasPrefix("Sources/") }
  var isScript: Bool { path.hasSuffix(".py") || path.hasSuffix(".sh") }

  var rawLines: [Substring] {
    var lines = text.split(separator: "\n", omittingEmptySubsequences: false)
    if lines.last == "" { lines.removeLast() }
    return lines
  }
}

extension StringProtocol {
  /// Whether `word` occurs and is no part of a longer name at an end that is a letter.
  func containsWord(_ word: String) -> Bool {
    func isName(_ character: Character?) -> Bool { character.map { $0.isLetter || $0.isNumber || $0 == "_" } ?? false }
    var rest = self[...]
    while let found = rest.firstRange(of: word) {
      let before = found.lowerBound > startIndex ? self[index(before: found.lowerBound)] : nil
      let after = found.upperBound < endIndex ? self[found.upperBound] : nil
      let startsName = isName(word.first) && isName(before)
      if !startsName, !(isName(word.last) && isName(after)) { return true }
      rest = rest[found.upperBound...]
    }
    return false
  }

  /// `port: 8080`, `port = 8080`: a port given as a number other than 0.
  var passesFixedPort: Bool {
    let compact = lowercased().filter { $0 != " " }
    return ["port:", "port="].contains { name in
      var rest = compact[...]
      while let found = rest.firstRange(of: name) {
        let digits = rest[found.upperBound...].prefix { $0.isNumber || $0 == "_" }.filter(\.isNumber)
        if digits.count >= 3 { return true }
        rest = rest[found.upperBound...]
      }
      return false
    }
  }
}
