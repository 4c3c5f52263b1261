// The scanner and the tree against nst/JSONTestSuite: every file must be accepted or refused as its name says.

import Primitives
import TestSupport
import Testing

@Suite struct JSONCorpusTests {
  private func accepts(_ bytes: [UInt8]) -> Bool {
    bytes.withUnsafeBytes { bytes in
      do {
        var scanner = JSONScanner(bytes)
        _ = try scanner.value()
        try scanner.finish()
        return true
      } catch {
        return false
      }
    }
  }

  /// The same document through the other entry points; they must agree with `value`.
  private func acceptsMemberwise(_ bytes: [UInt8]) -> Bool {
    bytes.withUnsafeBytes { bytes in
      do {
        var scanner = JSONScanner(bytes)
        switch try scanner.peekKind() {
        case .object: _ = try scanner.object { _, _ in }
        case .array:
          var hasMore = try scanner.beginArray()
          while hasMore {
            _ = try scanner.value()
            hasMore = try scanner.nextElement()
          }
        default: _ = try scanner.value()
        }
        try scanner.finish()
        return true
      } catch {
        return false
      }
    }
  }

  @Test func scanner_AgreesWithFileNames_OnTheWholeSuite() throws {
    guard let folder = Corpora.folder("json") else { return }
    var counts: [Character: Int] = [:]
    for name in Corpora.files(in: folder, suffix: ".json") {
      let bytes = try Corpora.bytes("\(folder)/\(name)")
      let isAccepted = accepts(bytes)
      #expect(acceptsMemberwise(bytes) == isAccepted, "\(name)")
      switch name.first {
      case "y": #expect(isAccepted, "\(name)")
      case "n": #expect(!isAccepted, "\(name)")
      default: break
      }
      if let kind = name.first { counts[kind, default: 0] += 1 }
    }
    #expect(counts == ["y": 95, "n": 188, "i": 35])
  }

  @Test func tree_RoundTrips_WhenFilesAreAccepted() throws {
    guard let folder = Corpora.folder("json") else { return }
    // Repeated keys are JSON, but the tree refuses them.
    let repeated = ["y_object_duplicated_key.json", "y_object_duplicated_key_and_value.json"]
    for name in Corpora.files(in: folder, suffix: ".json") {
      let bytes = try Corpora.bytes("\(folder)/\(name)")
      let value = try? JSONValue(parsing: bytes)
      #expect((value != nil) == (accepts(bytes) && !repeated.contains(name)), "\(name)")
      if let value { #expect(try JSONValue(parsing: value.serialized()) == value, "\(name)") }
    }
  }

  @Test func scanner_NeverReadsOutside_WhenEveryFileIsCutAtEveryByte() throws {
    guard let folder = Corpora.folder("json") else { return }
    for name in Corpora.files(in: folder, suffix: ".json") {
      let bytes = try Corpora.bytes("\(folder)/\(name)")
      // An allocation of exactly the cut's size: a read behind it is a bounds trap in the debug build.
      for end in 0..<min(bytes.count, 400) {
        let cut = Array(bytes[..<end])
        #expect(accepts(cut) == acceptsMemberwise(cut), "\(name) cut at \(end)")
      }
    }
  }
}
