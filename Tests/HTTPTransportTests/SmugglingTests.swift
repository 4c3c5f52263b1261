// Requests that two readers could see differently, and bounds: each is refused with the status that the contract
// names, and the same for every way in which the bytes may be split.

import HTTPModel
import HTTPTransport
import Testing

@Suite struct SmugglingTests {
  private static func post(_ fields: String, body: String = "") -> String {
    "POST /v1/callflow/events HTTP/1.1\r\nHost: a\r\n\(fields)\r\n\(body)"
  }

  static let refused: [(name: String, input: String)] = [
    ("two equal lengths", post("Content-Length: 4\r\nContent-Length: 4\r\n", body: "abcd")),
    ("two lengths", post("Content-Length: 4\r\nContent-Length: 5\r\n", body: "abcde")),
    ("list of lengths", post("Content-Length: 4, 4\r\n", body: "abcd")),
    ("signed length", post("Content-Length: +4\r\n", body: "abcd")),
    ("negative length", post("Content-Length: -1\r\n")),
    ("hexadecimal length", post("Content-Length: 0x4\r\n", body: "abcd")),
    ("fraction", post("Content-Length: 4.0\r\n", body: "abcd")),
    ("empty length", post("Content-Length: \r\n")),
    ("length beyond 64 bits", post("Content-Length: 18446744073709551620\r\n", body: "abcd")),
    ("length beyond 63 bits", post("Content-Length: 9223372036854775808\r\n", body: "abcd")),
    ("length and chunked", post("Content-Length: 4\r\nTransfer-Encoding: chunked\r\n", body: "0\r\n\r\n")),
    ("chunked and length", post("Transfer-Encoding: chunked\r\nContent-Length: 4\r\n", body: "0\r\n\r\n")),
    ("chunked twice", post("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n", body: "0\r\n\r\n")),
    ("chunked, chunked", post("Transfer-Encoding: chunked, chunked\r\n", body: "0\r\n\r\n")),
    ("identity", post("Transfer-Encoding: identity\r\n")),
    ("gzip, chunked", post("Transfer-Encoding: gzip, chunked\r\n", body: "0\r\n\r\n")),
    ("xchunked", post("Transfer-Encoding: xchunked\r\n", body: "0\r\n\r\n")),
    ("quoted chunked", post("Transfer-Encoding: \"chunked\"\r\n", body: "0\r\n\r\n")),
    ("vertical tab before chunked", post("Transfer-Encoding: \u{0B}chunked\r\n", body: "0\r\n\r\n")),
    ("space before colon", post("Transfer-Encoding : chunked\r\n", body: "0\r\n\r\n")),
    ("tab before colon", post("Content-Length\t: 4\r\n", body: "abcd")),
    ("folded field", post("X: a\r\n Transfer-Encoding: chunked\r\n", body: "0\r\n\r\n")),
    ("field that begins with a space", "GET / HTTP/1.1\r\n Host: a\r\n\r\n"),
    ("bare line feed", "GET / HTTP/1.1\nHost: a\n\n"),
    ("bare line feed in fields", "GET / HTTP/1.1\r\nHost: a\nX: b\r\n\r\n"),
    ("bare carriage return", "GET / HTTP/1.1\r\nHost: a\rX: b\r\n\r\n"),
    ("null in a value", "GET / HTTP/1.1\r\nHost: a\r\nX: b\0c\r\n\r\n"),
    ("null in a name", "GET / HTTP/1.1\r\nHost: a\r\nX\0: b\r\n\r\n"),
    ("field without colon", "GET / HTTP/1.1\r\nHost: a\r\nX\r\n\r\n"),
    ("empty field name", "GET / HTTP/1.1\r\nHost: a\r\n: b\r\n\r\n"),
    ("no host", "GET / HTTP/1.1\r\n\r\n"),
    ("two hosts", "GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n"),
    ("host with user", "GET / HTTP/1.1\r\nHost: u@a\r\n\r\n"),
    ("host with path", "GET / HTTP/1.1\r\nHost: a/b\r\n\r\n"),
    ("host with space", "GET / HTTP/1.1\r\nHost: a b\r\n\r\n"),
    ("host with port that is none", "GET / HTTP/1.1\r\nHost: a:8o\r\n\r\n"),
    ("other host than the URI's", "GET http://a/ HTTP/1.1\r\nHost: b\r\n\r\n"),
    ("URI of another scheme", "GET ftp://a/ HTTP/1.1\r\nHost: a\r\n\r\n"),
    ("URI with user", "GET http://u@a/ HTTP/1.1\r\nHost: a\r\n\r\n"),
    ("URI without host", "GET http:/// HTTP/1.1\r\nHost: a\r\n\r\n"),
    ("asterisk without OPTIONS", "GET * HTTP/1.1\r\nHost: a\r\n\r\n"),
    ("CONNECT", "CONNECT a:443 HTTP/1.1\r\nHost: a:443\r\n\r\n"),
    ("two spaces before target", "GET  / HTTP/1.1\r\nHost: a\r\n\r\n"),
    ("two spaces before version", "GET /  HTTP/1.1\r\nHost: a\r\n\r\n"),
    ("tab as separator", "GET\t/ HTTP/1.1\r\nHost: a\r\n\r\n"),
    ("space at the line's end", "GET / HTTP/1.1 \r\nHost: a\r\n\r\n"),
    ("space in target", "GET /a b HTTP/1.1\r\nHost: a\r\n\r\n"),
    ("byte above ASCII in target", "GET /\u{E4} HTTP/1.1\r\nHost: a\r\n\r\n"),
    ("lower-case version", "GET / http/1.1\r\nHost: a\r\n\r\n"),
    ("no version", "GET /\r\nHost: a\r\n\r\n"),
    ("TLS hello", "\u{16}\u{3}\u{1}\u{2}\u{0}"),
    ("chunked in 1.0", "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
    ("chunk size with sign", post("Transfer-Encoding: chunked\r\n", body: "+4\r\nabcd\r\n0\r\n\r\n")),
    ("chunk size with prefix", post("Transfer-Encoding: chunked\r\n", body: "0x4\r\nabcd\r\n0\r\n\r\n")),
    ("empty chunk size", post("Transfer-Encoding: chunked\r\n", body: "\r\nabcd\r\n0\r\n\r\n")),
    ("space behind chunk size", post("Transfer-Encoding: chunked\r\n", body: "4 \r\nabcd\r\n0\r\n\r\n")),
    (
      "chunk size beyond 64 bits",
      post("Transfer-Encoding: chunked\r\n", body: "10000000000000004\r\nabcd\r\n0\r\n\r\n")
    ),
    (
      "chunk size beyond 63 bits", post("Transfer-Encoding: chunked\r\n", body: "8000000000000000\r\nabcd\r\n0\r\n\r\n")
    ),
    ("chunk that is longer than it says", post("Transfer-Encoding: chunked\r\n", body: "3\r\nabcd\r\n0\r\n\r\n")),
    ("chunk with bare line feed", post("Transfer-Encoding: chunked\r\n", body: "4\nabcd\r\n0\r\n\r\n")),
    ("line feed in extension", post("Transfer-Encoding: chunked\r\n", body: "4;a\nabcd\r\n0\r\n\r\n")),
    ("bad trailer", post("Transfer-Encoding: chunked\r\n", body: "0\r\nX : y\r\n\r\n")),
    ("folded trailer", post("Transfer-Encoding: chunked\r\n", body: "0\r\nX: y\r\n z\r\n\r\n")),
  ]

  @Test(arguments: refused) func ambiguousRequest_IsRefusedWith400(item: (name: String, input: String)) {
    let input = Array(item.input.utf8)
    let transcript = Transcript.reading(input)
    #expect(transcript.refusal?.status == 400, "\(item.name): \(transcript)")
    expectSameForEverySplit(input, item.name)
  }

  static let statuses: [(status: Int, input: String)] = [
    (505, "GET / HTTP/2.0\r\nHost: a\r\n\r\n"),
    (505, "GET / HTTP/1.2\r\nHost: a\r\n\r\n"),
    (505, "GET / HTTP/0.9\r\n\r\n"),
    (501, String(repeating: "A", count: 40) + " / HTTP/1.1\r\nHost: a\r\n\r\n"),
    (417, post("Expect: magic\r\n")),
    (414, "GET /" + String(repeating: "a", count: 600) + " HTTP/1.1\r\nHost: a\r\n\r\n"),
    (431, "GET / HTTP/1.1\r\nHost: a\r\nX: " + String(repeating: "a", count: 600) + "\r\n\r\n"),
    (431, "GET / HTTP/1.1\r\nHost: a\r\n" + String(repeating: "X: y\r\n", count: 9) + "\r\n"),
  ]

  @Test(arguments: statuses) func boundOrVersion_HasItsOwnStatus(item: (status: Int, input: String)) {
    let input = Array(item.input.utf8)
    let whole = Transcript.reading(input, maxHeadBytes: 512, maxHeaders: 8)
    #expect(whole.refusal?.status == item.status, "\(whole)")
    for cut in 0...input.count {
      #expect(Transcript.reading(input, cuts: [cut], maxHeadBytes: 512, maxHeaders: 8) == whole)
    }
  }

  static let accepted: [(name: String, input: String, body: String)] = [
    ("length", post("Content-Length: 4\r\n", body: "abcd"), "abcd"),
    ("chunks", post("Transfer-Encoding: chunked\r\n", body: "3\r\nabc\r\n1;x=\"y\"\r\nd\r\n0\r\nX: y\r\n\r\n"), "abcd"),
    ("coding in capitals", post("transfer-encoding: CHUNKED\r\n", body: "00004\r\nabcd\r\n000\r\n\r\n"), "abcd"),
    ("URI", "POST http://a/v1?q=1 HTTP/1.1\r\nHost: A\r\nContent-Length: 4\r\n\r\nabcd", "abcd"),
    ("IPv6 host", "POST / HTTP/1.1\r\nHost: [::1]:80\r\nContent-Length: 4\r\n\r\nabcd", "abcd"),
    ("empty lines before", "\r\n\r\nPOST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nabcd", "abcd"),
    ("1.0 without host", "POST / HTTP/1.0\r\nContent-Length: 4\r\n\r\nabcd", "abcd"),
    ("unknown method", "BREW /pot HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nabcd", "abcd"),
  ]

  @Test(arguments: accepted)
  func plainRequest_IsRead_WhereverItIsSplit(item: (name: String, input: String, body: String)) {
    let input = Array(item.input.utf8)
    let transcript = Transcript.reading(input + input)
    #expect(transcript.refusal == nil, "\(item.name): \(transcript)")
    #expect(transcript.messages.first?.body == Array(item.body.utf8) && transcript.messages.first?.isComplete == true)
    expectSameForEverySplit(input + input, item.name)
  }

  @Test func absoluteForm_GivesPathAndQuery() {
    let messages = ["http://a/b?c=d", "http://a", "http://a?c"].map { target in
      Transcript.reading(Array("GET \(target) HTTP/1.1\r\nHost: a\r\n\r\n".utf8)).messages.first
    }
    #expect(messages.map { $0?.path } == ["/b", "/", "/"])
    #expect(messages.map { $0?.query } == ["c=d", nil, "c"])
  }

  @Test func connectionOptions_DecidePersistence() {
    func persists(_ version: String, _ fields: String) -> Bool? {
      Transcript.reading(Array("GET / HTTP/\(version)\r\nHost: a\r\n\(fields)\r\n".utf8)).messages.first?.isPersistent
    }
    #expect(persists("1.1", "") == true)
    #expect(persists("1.1", "Connection: x, Close\r\n") == false)
    #expect(persists("1.1", "Connection: keep-alive\r\nConnection: close\r\n") == false)
    #expect(persists("1.0", "") == false)
    #expect(persists("1.0", "Connection: Keep-Alive\r\n") == true)
  }

  @Test func chunkExtensions_AreBounded() {
    let long = Self.post(
      "Transfer-Encoding: chunked\r\n", body: "1;" + String(repeating: "x", count: 300) + "\r\na\r\n")
    #expect(Transcript.reading(Array(long.utf8)).refusal?.status == 400)
    let many = Self.post(
      "Transfer-Encoding: chunked\r\n",
      body: String(repeating: "1;" + String(repeating: "x", count: 200) + "\r\na\r\n", count: 100))
    #expect(Transcript.reading(Array(many.utf8)).refusal?.status == 400)
  }
}
