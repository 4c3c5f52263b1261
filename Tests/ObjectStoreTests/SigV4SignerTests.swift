// The signer against AWS's own suite (corpora/sigv4): every stage of every case in both modes, byte for byte.

import Crypto
import Foundation
import Primitives
import S3
import TestSupport
import Testing

@Suite struct SigV4SignerTests {
  private struct Case {
    let name: String
    let signer: SigV4Signer
    let request: SigV4Signer.Request
    /// Request line without target, fields and body as the file has them.
    let fieldText: String
    let target: String
    let body: String
    let seconds: Int64
    let lifetimeSeconds: Int

    init(folder: String, name: String) throws {
      func text(_ file: String) throws -> String {
        String(decoding: try Corpora.bytes("\(folder)/\(name)/\(file)"), as: UTF8.self)
      }
      let context = try JSONValue(parsing: Corpora.bytes("\(folder)/\(name)/context.json"))
      let credentials = try #require(context["credentials"])
      signer = SigV4Signer(
        credentials: S3Credentials(
          accessKeyID: try #require(credentials["access_key_id"]?.stringValue),
          secretAccessKey: try #require(credentials["secret_access_key"]?.stringValue),
          sessionToken: credentials["token"]?.stringValue),
        region: try #require(context["region"]?.stringValue), service: try #require(context["service"]?.stringValue),
        options: SigV4Signer.Options(
          normalizesPath: try #require(context["normalize"]?.boolValue as Bool?),
          sendsBodyHash: try #require(context["sign_body"]?.boolValue as Bool?),
          omitsSessionToken: context["omit_session_token"]?.boolValue ?? false))
      let timestamp = try #require(context["timestamp"]?.stringValue)
      seconds = try #require(RFC3339.parse(timestamp)) / 1_000_000_000
      lifetimeSeconds = try #require(context["expiration_in_seconds"]?.intValue)
      let whole = try text("request.txt")
      let line = try #require(whole.split(separator: "\n", maxSplits: 1).first)
      let end = whole.range(of: "\n\n")
      let start = whole.index(after: line.endIndex)
      fieldText = whole[start..<(end?.lowerBound ?? whole.endIndex)].trimmingCharacters(in: .newlines)
      body = end.map { String(whole[$0.upperBound...]) } ?? ""
      let method = try #require(line.split(separator: " ").first)
      target = String(line.dropFirst(method.count + 1).dropLast(" HTTP/1.1".count))
      let parts = target.split(separator: "?", maxSplits: 1, omittingEmptySubsequences: false)
      var fields: [(name: String, value: String)] = []
      for line in fieldText.split(separator: "\n") {
        if line.hasPrefix(" ") {
          fields[fields.count - 1].value += "\n" + line
        } else {
          let colon = try #require(line.firstIndex(of: ":"))
          fields.append((String(line[..<colon]), String(line[line.index(after: colon)...])))
        }
      }
      self.name = name
      request = SigV4Signer.Request(
        method: String(method), path: String(parts[0]), query: parts.count > 1 ? String(parts[1]) : "", fields: fields,
        bodyHash: Hex.string(try SHA256.hash(Array(body.utf8))))
    }
  }

  private func expected(_ folder: String, _ name: String, _ file: String) throws -> String {
    String(decoding: try Corpora.bytes("\(folder)/\(name)/\(file)"), as: UTF8.self)
  }

  @Test func signer_GivesEveryStageOfTheSuite_InBothModes() throws {
    guard let folder = Corpora.folder("sigv4") else { return }
    let names = Corpora.files(in: folder)
    var compared = 0
    for name in names {
      let test = try Case(folder: folder, name: name)
      let header = try test.signer.sign(test.request, at: test.seconds)
      let added = header.addedFields.map { "\($0.name):\($0.value)\n" }.joined()
      let signed = "\(test.request.method) \(test.target) HTTP/1.1\n\(test.fieldText)\n\(added)\n\(test.body)"
      let query = try test.signer.presign(test.request, at: test.seconds, lifetimeSeconds: test.lifetimeSeconds)
      let presigned =
        "\(test.request.method) \(test.request.path)?\(query.query) HTTP/1.1\n\(test.fieldText)\n\n\(test.body)"
      for (file, actual) in [
        ("header-canonical-request", header.canonicalRequest), ("header-string-to-sign", header.stringToSign),
        ("header-signature", header.signature), ("header-signed-request", signed),
        ("query-canonical-request", query.canonicalRequest), ("query-string-to-sign", query.stringToSign),
        ("query-signature", query.signature), ("query-signed-request", presigned),
      ] {
        #expect(try actual == expected(folder, name, "\(file).txt"), "\(name), \(file)")
        compared += 1
      }
    }
    #expect(names.count == 38)
    #expect(compared == 38 * 2 * 4)
  }

  @Test func s3Mode_KeepsThePathAsItIs_AndSendsTheBodysHash() throws {
    let signer = SigV4Signer(
      credentials: S3Credentials(accessKeyID: "ID", secretAccessKey: "secret"), region: "eu-west-1")
    let request = SigV4Signer.Request(
      method: "GET", path: "/a%20b//c/../d", query: "", fields: [("host", "h")], bodyHash: SigV4Signer.emptyBodyHash)
    let signed = try signer.sign(request, at: 1_440_938_160)
    #expect(signed.canonicalRequest.hasPrefix("GET\n/a%20b//c/../d\n\nhost:h\n"))
    #expect(signed.addedFields.map(\.name) == ["X-Amz-Date", "x-amz-content-sha256", "Authorization"])
    #expect(signed.addedFields.last?.value.contains("Credential=ID/20150830/eu-west-1/s3/aws4_request") == true)
  }

  @Test func credentials_NeverShowTheirSecret_WhenDescribed() {
    let credentials = S3Credentials(accessKeyID: "ID", secretAccessKey: "hush", sessionToken: "quiet")
    var dumped = ""
    dump(credentials, to: &dumped)
    for text in ["\(credentials)", String(reflecting: credentials), dumped] {
      #expect(text.contains("ID"))
      #expect(!text.contains("hush") && !text.contains("quiet"))
    }
  }
}
