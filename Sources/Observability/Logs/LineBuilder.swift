// One log line, built straight into its bytes: no dictionary, no intermediate strings. Whatever the values hold, the
// result is one line: in JSON one valid object, in text `key=value` pairs that no terminal takes for commands.
//
//   {"timestamp":"2026-11-21T06:45:00.123Z","level":"INFO","component":"api","message":"request","status":201,...}
//   2026-11-21T06:45:00.123Z INFO  api request status=201 ...

import Logging
import Primitives

package enum LogFormat: String, Sendable, CaseIterable {
  case json
  case text
}

package struct LineBuilder {
  private var bytes: [UInt8] = []
  private let format: LogFormat

  /// `wallNanoseconds`: since 1970.
  package init(
    format: LogFormat, wallNanoseconds: Int64, level: Logger.Level, component: String, message: String
  ) {
    self.format = format
    bytes.reserveCapacity(512)
    let time = RFC3339.string(wallNanoseconds, fractionDigits: 3)
    switch format {
    case .json:
      append("{\"timestamp\":\"")
      bytes.append(contentsOf: time.utf8)
      append("\",\"level\":\"")
      append(level.contractName)
      append("\",\"component\":")
      JSONWriter.appendString(component, to: &bytes)
      append(",\"message\":")
      JSONWriter.appendString(message, to: &bytes)
    case .text:
      bytes.append(contentsOf: time.utf8)
      bytes.append(Ascii.space)
      append(level.contractName)
      append(level.contractName.utf8CodeUnitCount == 4 ? "  " : " ")
      TextValue.append(component, to: &bytes)
      bytes.append(Ascii.space)
      TextValue.append(message, isMessage: true, to: &bytes)
    }
  }

  // MARK: Values

  package mutating func add(_ key: StaticString, _ value: String) {
    open(key)
    appendValue(value)
  }

  /// Nothing where the value is nil.
  package mutating func add(_ key: StaticString, _ value: String?) {
    if let value { add(key, value) }
  }

  package mutating func add(_ key: StaticString, _ value: Int) {
    open(key)
    append(value)
  }

  /// Bytes from outside that should be text; what is no UTF-8 becomes U+FFFD.
  package mutating func add(_ key: StaticString, utf8 value: UnsafeRawBufferPointer) {
    open(key)
    if format == .json, UTF8Text.isValid(value) {
      JSONWriter.appendString(value, to: &bytes)
    } else {
      appendValue(String(decoding: value, as: UTF8.self))
    }
  }

  /// As milliseconds with three decimals; negative spans, which a stepped clock can give, as 0.
  package mutating func add(_ key: StaticString, millisecondsOf nanoseconds: Int64) {
    open(key)
    let microseconds = max(0, nanoseconds) / 1000
    append(Int(microseconds / 1000))
    bytes.append(Ascii.dot)
    let rest = Int(microseconds % 1000)
    for divisor in [100, 10, 1] { bytes.append(Ascii.zero + UInt8(rest / divisor % 10)) }
  }

  /// A value of swift-log under a key that may be anything.
  mutating func add(key: String, _ value: Logger.MetadataValue) {
    switch format {
    case .json:
      bytes.append(Ascii.comma)
      JSONWriter.appendString(Self.reserved.contains(key) ? "metadata.\(key)" : key, to: &bytes)
      bytes.append(Ascii.colon)
      MetadataJSON.append(value, to: &bytes)
    case .text:
      bytes.append(Ascii.space)
      TextValue.append(key, to: &bytes)
      append("=")
      if case .string(let text) = value {
        TextValue.append(text, to: &bytes)
      } else if case .stringConvertible(let convertible) = value {
        TextValue.append(convertible.description, to: &bytes)
      } else {
        var json: [UInt8] = []
        MetadataJSON.append(value, to: &json)
        TextValue.append(String(decoding: json, as: UTF8.self), to: &bytes)
      }
    }
  }

  /// The line, line feed included.
  package consuming func finish() -> [UInt8] {
    if format == .json { bytes.append(Ascii.closeBrace) }
    bytes.append(0x0A)
    return bytes
  }

  // MARK: Parts

  /// Keys that every line has already: a second one would make readers disagree on which counts.
  private static let reserved: Set<String> = ["timestamp", "level", "component", "message"]

  private mutating func open(_ key: StaticString) {
    switch format {
    case .json:
      bytes.append(Ascii.comma)
      bytes.append(Ascii.quote)
      append(key)
      bytes.append(Ascii.quote)
      bytes.append(Ascii.colon)
    case .text:
      bytes.append(Ascii.space)
      append(key)
      append("=")
    }
  }

  private mutating func appendValue(_ value: String) {
    switch format {
    case .json: JSONWriter.appendString(value, to: &bytes)
    case .text: TextValue.append(value, to: &bytes)
    }
  }

  private mutating func append(_ text: StaticString) {
    bytes.append(contentsOf: UnsafeBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount))
  }

  private mutating func append(_ value: Int) {
    if value < 0 { bytes.append(Ascii.minus) }
    var rest = value.magnitude
    let start = bytes.count
    repeat {
      bytes.append(Ascii.zero + UInt8(rest % 10))
      rest /= 10
    } while rest > 0
    bytes[start...].reverse()
  }
}

extension Logger.Level {
  /// CONTRACT 5 knows four levels.
  var contractName: StaticString {
    switch self {
    case .trace, .debug: "DEBUG"
    case .info, .notice: "INFO"
    case .warning: "WARN"
    case .error, .critical: "ERROR"
    }
  }
}
