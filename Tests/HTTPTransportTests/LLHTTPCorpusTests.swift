// The request cases of llhttp (corpora/http, see SOURCES.md there) against the reader: what llhttp refuses is refused
// here, what it takes is taken, except where the contract is stricter. Every exception is listed with its reason.

import Foundation
import HTTPModel
import HTTPTransport
import TestSupport
import Testing

private struct Case: Decodable {
  var title: String
  var raw: String
  var err: String?
  var complete: Int

  var bytes: [UInt8] { Array(raw.utf8) }
}

private func cases() throws -> [Case] {
  guard let folder = Corpora.folder("http") else {
    print("NOT RUN: the llhttp corpus is absent (CALLFLOW_CORPORA)")
    return []
  }
  let bytes = try Corpora.bytes("\(folder)/llhttp_half.json")
  return try JSONDecoder().decode([Case].self, from: Data(bytes))
}

/// `err` cases that end well here, with the reason.
private let errorsThatAreNone: [String: String] = [
  // The first request says, by its version, that it is the last: what follows is never read, so there is nothing to
  // refuse.
  "No restart when keep-alive is off (1.0)": "closed after the first reply",
  // Upgrades are ignored (RFC 9110, 7.8). The bytes behind the body are read as the next request, which is refused.
  "Upgrade POST request": "refused at the second message",
]

/// Cases that llhttp takes (some of them in a lenient mode) and the contract does not, with the status and the reason.
private let stricter: [String: (status: Int, reason: String)] = [
  "No error on simultaneous `Content-Length` and `Transfer-Encoding: identity` (lenient)": (
    400, "only chunked is a coding"
  ),
  "Control char in header value (relaxed)": (400, "controls are no field value (RFC 9110, 5.5)"),
  "Header value (lenient)": (400, "controls are no field value"),
  "Second request header value (lenient)": (400, "controls are no field value"),
  "Empty headers separated by CR (lenient)": (400, "a bare CR ends no line (RFC 9112, 2.2)"),
  "SOURCE request with ICE": (400, "not HTTP"),
  "OPTIONS request with RTSP": (400, "not HTTP"),
  "No HTTP version": (400, "HTTP/0.9"),
  "Line folding in header value with CRLF": (400, "obs-fold (RFC 9112, 5.2)"),
  "X-SSL-Nonsense": (400, "obs-fold"),
  "Chunk header not terminated by CRLF (lenient)": (400, "a bare CR in a chunk head"),
  "Fragment in URI": (400, "a request target has no fragment (RFC 9112, 3.2)"),
  "`host:port` and basic auth": (400, "user information in a URI (RFC 9110, 4.2.4)"),
]

@Suite struct LLHTTPCorpusTests {
  @Test func everyErrorCase_IsRefusedWithAClientError() throws {
    for item in try cases() where item.err != nil && errorsThatAreNone[item.title] == nil {
      let refusal = Transcript.reading(item.bytes).refusal
      #expect(refusal != nil, "\(item.title): accepted")
      // 505 is the contract's answer to another version of HTTP.
      #expect([400, 505].contains(refusal?.status ?? 0), "\(item.title): \(String(describing: refusal))")
    }
  }

  @Test func errorExceptions_EndAsTheirReasonsSay() throws {
    for item in try cases() {
      switch item.title {
      case "No restart when keep-alive is off (1.0)":
        let transcript = Transcript.reading(item.bytes)
        #expect(transcript.refusal == nil && transcript.messages.count == 1 && !transcript.messages[0].isPersistent)
      case "Upgrade POST request":
        let transcript = Transcript.reading(item.bytes)
        #expect(transcript.messages.count == 1 && transcript.messages[0].isComplete)
        #expect(transcript.refusal?.status == 400)
      default: break
      }
    }
  }

  /// Most of the good cases leave Host out, which 1.1 does not allow: they must be refused for that alone, so each is
  /// read again with a Host field put in.
  @Test func everyGoodCase_IsRead() throws {
    for item in try cases() where item.err == nil {
      if let strict = stricter.first(where: { item.title.hasPrefix($0.key) })?.value {
        let transcript = Transcript.reading(withHost(item.raw))
        #expect(transcript.refusal?.status == strict.status, "\(item.title): \(transcript)")
        continue
      }
      let transcript = Transcript.reading(withHost(item.raw))
      #expect(transcript.refusal == nil, "\(item.title): \(transcript)")
      #expect(transcript.messages.count(where: \.isComplete) >= min(item.complete, 1), "\(item.title): \(transcript)")
      if item.raw.contains("HTTP/1.1\r\n"), !transcript.messages.isEmpty, withHost(item.raw) != item.bytes,
        transcript.messages[0].isPersistent
      {
        let refusal = Transcript.reading(item.bytes).refusal
        #expect(refusal?.reason.contains("Host") == true, "\(item.title): \(String(describing: refusal))")
      }
    }
  }

  @Test func everyCase_ReadsTheSame_WhereverItIsSplit() throws {
    for item in try cases() {
      for input in [item.bytes, withHost(item.raw)] { expectSameForEverySplit(input, item.title) }
    }
  }

  /// The input with a Host field behind every request line of HTTP/1.1 that has none.
  private func withHost(_ raw: String) -> [UInt8] {
    if raw.lowercased().contains("\nhost:") { return Array(raw.utf8) }
    let target = raw.contains("http://hypnotoad.org") ? "hypnotoad.org" : "example.com"
    return Array(raw.replacingOccurrences(of: "HTTP/1.1\r\n", with: "HTTP/1.1\r\nHost: \(target)\r\n").utf8)
  }
}

/// The same events for each way to cut `input` in two, and for single bytes.
func expectSameForEverySplit(_ input: [UInt8], _ title: String) {
  let whole = Transcript.reading(input)
  for cut in 0...input.count {
    let split = Transcript.reading(input, cuts: [cut])
    #expect(split == whole, "\(title) cut at \(cut): \(split) instead of \(whole)")
    if split != whole { return }
  }
  #expect(Transcript.reading(input, cuts: Array(0..<input.count)) == whole, "\(title) byte by byte")
}
