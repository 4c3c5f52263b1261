// Lines through swift-log and through the builder: the contract's fields, and one valid JSON object whatever the
// values are.

import Glibc
import Logging
import Observability
import Primitives
import TestSupport
import Testing

@Suite struct LogLineTests {
  private let clock = ManualClock(wall: 1_795_243_500_123_456_789)

  /// Lines that `body` writes, in order.
  private func lines(
    _ format: LogFormat = .json, level: Logger.Level = .info, _ body: (LogOutput) -> Void
  ) throws -> [String] {
    let folder = TemporaryFolder()
    let descriptor = open(folder.file("log"), O_WRONLY | O_CREAT | O_CLOEXEC, 0o600)
    defer { close(descriptor) }
    let sink = LogSink(descriptor: descriptor, metrics: MetricRegistry())
    body(LogOutput(sink: sink, format: format, level: level, clock: clock))
    #expect(sink.close(within: .seconds(10)))
    let written = try Corpora.bytes(folder.file("log"))
    return written.split(separator: 0x0A, omittingEmptySubsequences: false).dropLast().map {
      String(decoding: $0, as: UTF8.self)
    }
  }

  @Test func handler_WritesTheContractsFields() throws {
    let written = try lines { output in
      var logger = output.logger("store")
      logger[metadataKey: "node"] = "ab12"
      logger.warning(
        "upload failed",
        metadata: [
          "requestId": "req_1", "tries": .stringConvertible(3), "share": .stringConvertible(0.25),
          "retry": .stringConvertible(true),
          "nothing": .stringConvertible(Double.nan), "big": .stringConvertible(UInt64.max),
          "list": ["a", .stringConvertible(-1)],
          "map": ["z": "1", "a": ["b": "c"]],
        ])
    }
    #expect(
      written == [
        #"{"timestamp":"2026-11-21T06:45:00.123Z","level":"WARN","component":"store","message":"upload failed","#
          + #""big":18446744073709551615,"list":["a",-1],"map":{"a":{"b":"c"},"z":"1"},"node":"ab12","nothing":"nan","#
          + #""requestId":"req_1","retry":true,"share":0.25,"tries":3}"#
      ])
  }

  @Test func handler_WritesTheError_AndNeverAFieldTwice() throws {
    struct Broken: Error, CustomStringConvertible { var description: String { "disk \"full\"" } }
    let written = try lines { output in
      output.logger("store").error(
        "cannot", error: Broken(), metadata: ["level": "x", "message": "y", "component": "z"])
    }
    let line = try JSONValue(parsing: Array(written[0].utf8))
    #expect(line["level"]?.stringValue == "ERROR")
    #expect(line["message"]?.stringValue == "cannot")
    #expect(line["component"]?.stringValue == "store")
    #expect(line["metadata.level"]?.stringValue == "x")
    #expect(line["error"]?.stringValue == "disk \"full\"")
  }

  @Test func levels_AreFour_AndChangeAtRunTime() throws {
    let written = try lines(level: .warning) { output in
      let logger = output.logger("api")
      logger.info("hidden")
      #expect(output.line(.info, component: "api", message: "hidden") == nil)
      output.level = .trace
      #expect(output.level == .trace)
      for level in Logger.Level.allCases { logger.log(level: level, "\(level)") }
      output.level = .error
      logger.warning("hidden")
      var own = logger
      own.logLevel = .debug
      own.debug("own level")
    }
    let levels = written.compactMap { try? JSONValue(parsing: Array($0.utf8))["level"]?.stringValue }
    #expect(levels == ["DEBUG", "DEBUG", "INFO", "INFO", "WARN", "ERROR", "ERROR", "DEBUG"])
  }

  @Test func builder_WritesTypedFields() throws {
    let written = try lines { output in
      guard var line = output.line(.info, component: "api", message: "request") else { return }
      line.add("method", "POST")
      line.add("status", 201)
      line.add("least", Int.min)
      line.add("durationMs", millisecondsOf: 1_234_567)
      line.add("stepped", millisecondsOf: -5)
      line.add("principalId", String?.none)
      Array("caf\u{E9}\"\n".utf8).withUnsafeBytes { line.add("path", utf8: $0) }
      [0x61, 0xFF, 0x62].withUnsafeBytes { line.add("raw", utf8: UnsafeRawBufferPointer(rebasing: $0[..<1])) }
      ([0x61, 0xFF, 0x62] as [UInt8]).withUnsafeBytes { line.add("broken", utf8: $0) }
      output.write(line)
    }
    #expect(
      written == [
        #"{"timestamp":"2026-11-21T06:45:00.123Z","level":"INFO","component":"api","message":"request","#
          + #""method":"POST","status":201,"least":-9223372036854775808,"durationMs":1.234,"stepped":0.000,"#
          + #""path":"café\"\n","raw":"a","#
          + "\"broken\":\"a\u{FFFD}b\"}"
      ])
  }

  @Test func text_IsOneLineOfPairs_ThatNoTerminalObeys() throws {
    let written = try lines(.text) { output in
      output.logger("api").info(
        "key created",
        metadata: [
          "name": "plain", "b": "two words", "c": "\u{1B}[31m\r\n", "d": "\u{9B}31m\u{7F}", "e": "", "f": ["x"],
          "n": .stringConvertible(7),
        ])
      guard var line = output.line(.error, component: "server", message: "x\ny") else { return }
      line.add("path", "/a=b")
      output.write(line)
    }
    #expect(
      written == [
        #"2026-11-21T06:45:00.123Z INFO  api key created b="two words" c="\u001b[31m\r\n" d="\u009b31m"#
          + #"\u007f" e="" f="[\"x\"]" n=7 name=plain"#,
        #"2026-11-21T06:45:00.123Z ERROR server "x\ny" path="/a=b""#,
      ])
  }

  /// Random text out of the characters that break log formats; each value must come back unchanged from a line of
  /// its own.
  @Test func values_ComeBackUnchanged_WhenTheyAreHostile() throws {
    let seed: UInt64 = 20_261_121
    let random = SeededRandom(seed)
    let alphabet: [Unicode.Scalar] = [
      "\"", "\\", "\n", "\r", "\t", "\0", "\u{1B}", "\u{7F}", "\u{85}", "\u{9B}", "\u{2028}", "{", "}", "[", ":", ",",
      "a", "é",
      "😀", "\u{FEFF}", "\u{FFFD}", "\u{10FFFF}", "%", "=", " ",
    ]
    func hostile() -> String {
      var text = ""
      for _ in 0..<random.next(below: 40) {
        text.unicodeScalars.append(alphabet[Int(random.next(below: UInt64(alphabet.count)))])
      }
      return text
    }
    var expected: [[String]] = []
    let written = try lines { output in
      for _ in 0..<300 {
        let values = [hostile(), hostile(), hostile(), "key" + hostile(), hostile()]
        expected.append(values)
        output.logger(values[1]).info(
          Logger.Message(stringLiteral: values[0]),
          metadata: ["value": .string(values[2]), values[3]: "own", "nested": [values[4]: [.string(values[4])]]])
      }
    }
    #expect(written.count == 300, "seed \(seed)")
    for (text, values) in zip(written, expected) {
      let line = try JSONValue(parsing: Array(text.utf8))
      #expect(line["message"]?.stringValue == values[0])
      #expect(line["component"]?.stringValue == values[1])
      #expect(line["value"]?.stringValue == values[2])
      #expect(line[values[3]]?.stringValue == "own")
      #expect(line["nested"]?[values[4]]?.arrayValue == [.string(values[4])])
    }
  }
}
