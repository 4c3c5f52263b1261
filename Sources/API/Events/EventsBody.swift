// The body of a POST as events: read in place, in the socket's buffer, each event copied once into the batch that is
// stored.

import EventStore
import Primitives

/// What became of one event of a body.
enum EventResult: Sendable, Equatable {
  /// Index in the batch.
  case accepted(Int)
  case rejected([FieldError])
  case tooLarge
  /// The line is not JSON.
  case malformed(JSONError)
  /// It has an idempotency key, and the store's salt, which its id needs, is not known yet.
  case saltUnknown

  init(_ outcome: EventOutcome) {
    switch outcome {
    case .accepted(let index): self = .accepted(index)
    case .rejected(let errors): self = .rejected(errors)
    case .tooLarge: self = .tooLarge
    case .saltUnknown: self = .saltUnknown
    }
  }
}

struct EventsBody: Sendable {
  enum Format: Sendable {
    case json
    case lines
  }

  /// The body is one JSON object: the answer has the shape of one event.
  private(set) var isSingle = false
  private(set) var batch: EventBatch
  private(set) var results: [EventResult] = []
  private let maxBatch: Int

  /// Throws where nothing of the body can be used.
  init(_ bytes: UnsafeRawBufferPointer, format: Format, into batch: EventBatch, maxBatch: Int) throws(Problem) {
    self.batch = batch
    self.maxBatch = maxBatch
    do {
      switch format {
      case .json: try readJSON(bytes)
      case .lines: try readLines(bytes)
      }
    } catch let error as JSONError {
      throw Self.malformed(error)
    } catch let problem as Problem {
      throw problem
    } catch {
      throw Problem(error)
    }
    if results.isEmpty { throw .invalid("body", "the body holds no event", in: .body) }
  }

  private mutating func readJSON(_ bytes: UnsafeRawBufferPointer) throws {
    // The commonest body: one object from its first byte on.
    if bytes.first == Ascii.openBrace { return try readSingle(bytes) }
    var scanner = JSONScanner(bytes)
    switch try scanner.peekKind() {
    case .object: try readSingle(bytes)
    case .array: try readArray(&scanner)
    default:
      _ = try scanner.value()
      try scanner.finish()
      throw Problem.invalid("body", "the body must be a JSON object or an array of objects", in: .body)
    }
  }

  private mutating func readSingle(_ bytes: UnsafeRawBufferPointer) throws {
    isSingle = true
    results = [EventResult(try batch.append(whole: bytes))]
  }

  private mutating func readArray(_ scanner: inout JSONScanner) throws {
    var hasElement = try scanner.beginArray()
    while hasElement {
      try checkRoom()
      results.append(EventResult(try batch.append(&scanner)))
      hasElement = try scanner.nextElement()
    }
    try scanner.finish()
  }

  /// Lines end with LF; a CR before it is white space to JSON. Blank lines are no events.
  private mutating func readLines(_ bytes: UnsafeRawBufferPointer) throws {
    var start = 0
    while start < bytes.count {
      let end = bytes[start...].firstIndex(of: 0x0A) ?? bytes.count
      let line = UnsafeRawBufferPointer(rebasing: bytes[start..<end])
      start = end + 1
      if line.allSatisfy({ $0 == Ascii.space || $0 == 0x09 || $0 == 0x0D }) { continue }
      try checkRoom()
      do {
        results.append(EventResult(try batch.append(whole: line)))
      } catch {
        results.append(.malformed(error))
      }
    }
  }

  private func checkRoom() throws(Problem) {
    guard results.count < maxBatch else {
      throw Problem(.payloadTooLarge, "The body holds more than \(maxBatch) events")
    }
  }

  static func malformed(_ error: JSONError) -> Problem {
    .invalid("body", "malformed JSON at byte \(error.offset): \(error.reason)", in: .body)
  }
}
