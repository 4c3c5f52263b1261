// Drives the request reader as a connection does, with the input cut into pieces, and writes down what it says.

import HTTPModel
import HTTPTransport
import HTTPTypes

/// What came out of some input: comparable, however the input was cut.
struct Transcript: Equatable, CustomStringConvertible {
  struct Message: Equatable {
    var method: String
    var path: String
    var query: String?
    var fields: [String]
    var body: [UInt8] = []
    var isComplete = false
    var isPersistent: Bool
    var expectsContinue: Bool
  }

  var messages: [Message] = []
  var refusal: Refusal?

  var description: String {
    messages.map { "\($0.method) \($0.path) \($0.fields) body \($0.body.count) \($0.isComplete)" }.joined(
      separator: "; ")
      + (refusal.map { " -> \($0.status) \($0.reason)" } ?? "")
  }

  /// Reads `input`, given in pieces that end at `cuts`.
  static func reading(
    _ input: [UInt8], cuts: [Int] = [], maxHeadBytes: Int = 16 * 1024, maxHeaders: Int = 64
  ) -> Transcript {
    var transcript = Transcript()
    var reader = RequestReader(maxHeadBytes: maxHeadBytes, maxHeaders: maxHeaders)
    var pending: [UInt8] = []
    var start = 0
    for end in cuts + [input.count] {
      pending += input[start..<end]
      start = end
      guard transcript.read(&reader, &pending) else { break }
    }
    return transcript
  }

  /// False where nothing more will be read.
  private mutating func read(_ reader: inout RequestReader, _ pending: inout [UInt8]) -> Bool {
    while true {
      if let last = messages.last, last.isComplete, !last.isPersistent { return false }
      do throws(Refusal) {
        let step = pending.withUnsafeBytes { bytes in
          Result { () throws(Refusal) in try reader.next(bytes) }
        }
        let (event, consumed) = try step.get()
        switch event {
        case .head(let request):
          let head = request.head
          let fields = head.fields.map { place in
            String(decoding: head.bytes[Int(place.nameStart)..<Int(place.nameEnd)], as: UTF8.self) + ":"
              + String(decoding: head.bytes[Int(place.valueStart)..<Int(place.valueEnd)], as: UTF8.self)
          }
          messages.append(
            Message(
              method: head.method.rawValue, path: head.pathString, query: head.queryString, fields: fields,
              isPersistent: request.isPersistent, expectsContinue: request.expectsContinue))
        case .body(let range): messages[messages.count - 1].body += pending[range]
        case .end: messages[messages.count - 1].isComplete = true
        case nil: break
        }
        pending.removeFirst(consumed)
        if event == nil, consumed == 0 { return true }
      } catch {
        refusal = error
        return false
      }
    }
  }
}
