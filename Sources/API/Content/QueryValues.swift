// The query string, read strictly: unknown names, repeated ones and broken encoding are a 400 that names the parameter.

import EventStore
import HTTPModel
import Primitives

struct QueryValues: Sendable {
  private var pairs: [(name: String, value: String)] = []

  init(_ head: RequestHead, allowed: [QueryParameter]) throws(Problem) {
    guard let query = head.query else { return }
    for pair in head.bytes[query].split(separator: UInt8(ascii: "&")) {
      let equals = pair.firstIndex(of: UInt8(ascii: "=")) ?? pair.endIndex
      guard let rawName = PercentCoding.decode(pair[..<equals], plusIsSpace: true) else {
        throw .invalid(String(decoding: pair[..<equals], as: UTF8.self), "not percent-encoded UTF-8", in: .query)
      }
      let name = String(decoding: rawName, as: UTF8.self)
      guard let parameter = allowed.first(where: { $0.name == name }) else {
        throw .invalid(name, "\(name) is not a parameter of this route", in: .query)
      }
      guard parameter.isRepeatable || self[name] == nil else {
        throw .invalid(name, "\(name) may be given only once", in: .query)
      }
      guard let value = PercentCoding.decode(pair[equals...].dropFirst(), plusIsSpace: true) else {
        throw .invalid(name, "\(name) is not percent-encoded UTF-8", in: .query)
      }
      pairs.append((name, String(decoding: value, as: UTF8.self)))
    }
  }

  subscript(name: String) -> String? { pairs.first { $0.name == name }?.value }

  func all(_ name: String) -> [String] { pairs.filter { $0.name == name }.map(\.value) }

  func boolean(_ name: String) throws(Problem) -> Bool {
    switch self[name] {
    case nil, "false": return false
    case "true": return true
    default: throw .invalid(name, "\(name) must be true or false", in: .query)
    }
  }

  /// One of `choices`, nil where the parameter is absent.
  func choice(_ name: String, of choices: [String]) throws(Problem) -> String? {
    guard let value = self[name] else { return nil }
    guard choices.contains(value) else {
      throw .invalid(name, "\(name) must be \(choices.joined(separator: " or "))", in: .query)
    }
    return value
  }

  func integer(_ name: String, in range: ClosedRange<Int>) throws(Problem) -> Int? {
    guard let value = self[name] else { return nil }
    let isDecimal = !value.isEmpty && value.utf8.allSatisfy { (Ascii.zero...Ascii.nine).contains($0) }
    guard isDecimal, let number = Int(value), range.contains(number) else {
      throw .invalid(name, "\(name) must be a number from \(range.lowerBound) to \(range.upperBound)", in: .query)
    }
    return number
  }

  /// Nanoseconds since 1970. A `+` that was not encoded arrives as a space: before the offset it is read as the `+`
  /// that was meant.
  func time(_ name: String) throws(Problem) -> Int64? {
    guard let value = self[name] else { return nil }
    var bytes = Array(value.utf8)
    if bytes.count > 6, bytes[bytes.count - 6] == Ascii.space { bytes[bytes.count - 6] = Ascii.plus }
    guard let time = bytes.withUnsafeBytes({ RFC3339.parse($0) }) else {
      throw .invalid(name, "\(name) must be an RFC 3339 time with offset, as 2026-11-21T06:45:00Z", in: .query)
    }
    return time
  }
}
