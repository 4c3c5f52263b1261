// Replies of S3 that are refusals, damaged or lies, and what each becomes (FAULTS 10 to 14).

import HTTPModel
import HTTPTypes
import ObjectStore
import Primitives
import TestSupport
import Testing

@testable import S3

private typealias Reply = S3ScriptedHTTPClient.Reply

private func errorReply(
  _ status: Int, _ code: String, _ fields: [(String, String)] = [], more: String = ""
) -> Reply {
  Reply(
    status, fields,
    "<?xml version=\"1.0\"?><Error><Code>\(code)</Code><Message>words</Message>\(more)"
      + "<StringToSign>\(S3Harness.secret)</StringToSign></Error>")
}

@Suite struct S3RefusalTests {
  enum Kind: Sendable {
    case unavailable, misconfigured, rejected
  }

  private func kind(_ error: ObjectStoreError?) -> Kind? {
    switch error {
    case .unavailable: .unavailable
    case .misconfigured: .misconfigured
    case .rejected: .rejected
    default: nil
    }
  }

  @Test(arguments: [
    (404, "NoSuchBucket", Kind.misconfigured), (403, "AccessDenied", .misconfigured),
    (403, "InvalidAccessKeyId", .misconfigured), (403, "SignatureDoesNotMatch", .misconfigured),
    (400, "ExpiredToken", .misconfigured), (503, "SlowDown", .unavailable), (500, "InternalError", .unavailable),
    (503, "ServiceUnavailable", .unavailable), (400, "RequestTimeout", .unavailable), (429, "Anything", .unavailable),
    (502, "", .unavailable), (409, "ConditionalRequestConflict", .unavailable), (409, "OperationAborted", .unavailable),
    (501, "NotImplemented", .rejected), (400, "EntityTooLarge", .rejected), (400, "InvalidArgument", .rejected),
    (400, "Unheard", .rejected), (403, "Unheard", .misconfigured), (403, "RequestTimeTooSkewed", .misconfigured),
    (301, "PermanentRedirect", .misconfigured), (307, "TemporaryRedirect", .misconfigured),
  ])
  func refusal_BecomesItsKind_ForEveryOperation(_ status: Int, _ code: String, _ expected: Kind) async {
    let reply = errorReply(status, code)
    var errors: [ObjectStoreError?] = []
    errors.append(
      await failing(reply) { (store) async throws(ObjectStoreError) in _ = try await store.get("k", range: nil) })
    errors.append(await failing(reply) { (store) async throws(ObjectStoreError) in _ = try await store.head("k") })
    errors.append(
      await failing(reply) { (store) async throws(ObjectStoreError) in
        _ = try await store.put("k", .bytes([1]), if: .ifAbsent)
      })
    errors.append(
      await failing(reply) { (store) async throws(ObjectStoreError) in
        _ = try await store.list(prefix: "", after: nil, limit: 1)
      })
    errors.append(await failing(reply) { (store) async throws(ObjectStoreError) in try await store.delete(["k"]) })
    for (index, error) in errors.enumerated() {
      #expect(kind(error) == expected, "operation \(index): \(String(describing: error))")
    }
  }

  private func failing(
    _ reply: Reply, _ body: (S3ObjectStore) async throws(ObjectStoreError) -> Void
  ) async -> ObjectStoreError? {
    let harness = S3Harness(reply)
    return await harness.failure { () async throws(ObjectStoreError) in try await body(harness.store) }
  }

  @Test func retryAfter_IsKept_AsSecondsAndAsDate() async {
    for (fields, seconds) in [
      ([("Retry-After", "7")], 7),
      ([("Retry-After", "Sun, 30 Aug 2015 12:36:20 GMT"), ("Date", "Sun, 30 Aug 2015 12:36:05 GMT")], 15),
      ([("Retry-After", "-1")], nil), ([], nil),
    ] as [([(String, String)], Int?)] {
      let error = await failing(errorReply(503, "SlowDown", fields)) { (store) async throws(ObjectStoreError) in
        _ = try await store.get("k", range: nil)
      }
      guard case .unavailable(let text, let found) = error else {
        Issue.record("\(String(describing: error))")
        continue
      }
      #expect(found == seconds)
      #expect(text.contains("http://127.0.0.1:8333") && text.contains("SlowDown"))
    }
  }

  @Test func conditions_FailAsAnswers_NotAsErrors() async throws {
    let precondition = errorReply(412, "PreconditionFailed")
    #expect(try await S3Harness(precondition).store.put("k", .bytes([]), if: .ifAbsent) == .conditionFailed)
    #expect(try await S3Harness(precondition).store.put("k", .bytes([]), if: .ifMatch("x")) == .conditionFailed)
    let absent = errorReply(404, "NoSuchKey")
    #expect(try await S3Harness(absent).store.put("k", .bytes([]), if: .ifMatch("x")) == .conditionFailed)
    #expect(try await S3Harness(absent).store.get("k", range: nil) == nil)
    #expect(try await S3Harness(absent).store.head("k") == nil)
    try await S3Harness(absent).store.delete(["k"])
  }

  /// A load balancer without a route must not make objects, and keys among them, disappear.
  @Test(arguments: [Reply(404), Reply(404, [], "no such route")])
  fileprivate func absence_WithoutTheStoresDocument_IsNoAbsence(_ reply: Reply) async {
    await #expect(throws: ObjectStoreError.self) { _ = try await S3Harness(reply).store.get("k", range: nil) }
    await #expect(throws: ObjectStoreError.self) { _ = try await S3Harness(reply).store.head("k") }
    await #expect(throws: ObjectStoreError.self) { try await S3Harness(reply).store.delete(["k"]) }
    do {
      _ = try await S3Harness(reply).store.get("k", range: nil)
    } catch {
      guard case .unavailable = error else {
        Issue.record("\(error)")
        return
      }
    }
  }

  @Test func region_IsLearnedOnce_AndTheRequestSignedAgain() async throws {
    let stored = Reply(200, [("ETag", "\"e\"")])
    for redirect in [
      errorReply(301, "PermanentRedirect", [("x-amz-bucket-region", "eu-central-1")]),
      errorReply(400, "AuthorizationHeaderMalformed", more: "<Region>eu-central-1</Region>"),
      Reply(307, [("x-amz-bucket-region", "eu-central-1"), ("Location", "http://evil.example/")]),
    ] {
      let harness = S3Harness(redirect, stored, endpoint: nil)
      _ = try await harness.store.put("k", .bytes([1]), if: .none)
      _ = try await harness.store.put("k", .bytes([1]), if: .none)
      let requests = harness.client.requests
      #expect(
        requests.map(\.origin.host) == [
          "bucket.s3.us-east-1.amazonaws.com", "bucket.s3.eu-central-1.amazonaws.com",
          "bucket.s3.eu-central-1.amazonaws.com",
        ])
      #expect(requests[1].field("authorization")?.contains("/eu-central-1/s3/") == true)
    }
  }

  @Test func redirect_ToAForeignHost_IsNeverFollowed() async {
    for fields in [
      [("Location", "http://evil.example/bucket/k")],
      [("Location", "http://evil.example/"), ("x-amz-bucket-region", "evil.example/x?")],
    ] {
      let harness = S3Harness(errorReply(307, "TemporaryRedirect", fields))
      let error = await harness.failure { () async throws(ObjectStoreError) in
        _ = try await harness.store.get("k", range: nil)
      }
      #expect(kind(error) == .misconfigured)
      #expect(harness.client.requests.map(\.origin.host) == ["127.0.0.1"])
    }
  }

  @Test func region_ThatIsRefusedAgain_EndsTheRequest() async {
    let harness = S3Harness(
      errorReply(301, "PermanentRedirect", [("x-amz-bucket-region", "eu-west-1")]),
      errorReply(301, "PermanentRedirect", [("x-amz-bucket-region", "eu-west-2")]))
    let error = await harness.failure { () async throws(ObjectStoreError) in
      _ = try await harness.store.get("k", range: nil)
    }
    #expect(kind(error) == .misconfigured)
    #expect(harness.client.requests.count == 2)
  }

  @Test func clockOffset_IsLearnedFromDate_AndKept() async throws {
    let skewed = errorReply(403, "RequestTimeTooSkewed", [("Date", "Sun, 30 Aug 2015 13:36:10 GMT")])
    let harness = S3Harness(skewed, Reply(200, [("ETag", "\"e\"")]))
    _ = try await harness.store.put("k", .bytes([1]), if: .none)
    harness.clock.advance(by: .seconds(60))
    _ = try await harness.store.put("k", .bytes([1]), if: .none)
    #expect(
      harness.client.requests.map { $0.field("x-amz-date") } == [
        "20150830T123600Z", "20150830T133610Z", "20150830T133710Z",
      ])
  }

  @Test func transportFailures_BecomeUnavailable_ButForCertificates() async {
    for (failure, expected) in [
      (.nameNotResolved("no such host"), .unavailable), (.connectFailed("refused"), .unavailable),
      (.connectionLost(requestSent: true), .unavailable), (.deadlineExceeded, .unavailable),
      (.malformedResponse("no status line"), .unavailable), (.tlsFailed("certificate has expired"), .misconfigured),
    ] as [(HTTPClientError, Kind)] {
      let error = await failing(Reply(0, failure: failure)) { (store) async throws(ObjectStoreError) in
        _ = try await store.get("k", range: nil)
      }
      #expect(kind(error) == expected, "\(failure)")
    }
  }
}

@Suite struct S3DamagedReplyTests {
  private let whole = [("ETag", "\"e\""), ("Content-Length", "3")]

  private func isCorrupt(_ reply: Reply, range: Range<Int>? = nil) async -> Bool {
    let harness = S3Harness(reply)
    let error = await harness.failure { () async throws(ObjectStoreError) in
      _ = try await harness.store.get("k", range: range)
    }
    return if case .corrupt = error { true } else { false }
  }

  @Test func get_RefusesBytes_ThatAreNotTheObject() async throws {
    #expect(await isCorrupt(Reply(200, whole, "ab")))
    #expect(await isCorrupt(Reply(200, whole + [("x-amz-checksum-crc32c", "AAAAAA==")], "abc")))
    let partial = [("ETag", "\"e\""), ("Content-Length", "2")]
    #expect(await isCorrupt(Reply(206, partial + [("Content-Range", "bytes 1-2/9")], "bc"), range: 0..<2))
    #expect(await isCorrupt(Reply(206, partial + [("Content-Range", "bytes 0-1/9")], "a"), range: 0..<2))
    #expect(await isCorrupt(Reply(200, whole, "abc"), range: 1..<2))
    let good = Reply(200, whole + [("x-amz-checksum-crc32c", "Nks/tw==")], "abc")
    #expect(try await S3Harness(good).store.get("k", range: nil)?.bytes == Array("abc".utf8))
    #expect(try await S3Harness(good).store.get("k", range: 0..<10)?.bytes == Array("abc".utf8))
    let composite = Reply(200, whole + [("x-amz-checksum-crc32c", "AAAAAA==-2")], "abc")
    #expect(try await S3Harness(composite).store.get("k", range: nil)?.bytes.count == 3)
  }

  @Test func get_Fails_WhenTheConnectionBreaksInTheBody() async {
    let harness = S3Harness(Reply(200, whole, "ab", bodyFailure: .connectionLost(requestSent: true)))
    let error = await harness.failure { () async throws(ObjectStoreError) in
      _ = try await harness.store.get("k", range: nil)
    }
    guard case .unavailable = error else {
      Issue.record("\(String(describing: error))")
      return
    }
  }

  @Test func success_WithAnErrorDocument_IsAFailure() async {
    for body in [
      "<Error><Code>InternalError</Code></Error>", "<Error><Code>SlowDown</Code><Message>x</Message></Error>",
    ] {
      let harness = S3Harness(Reply(200, [("ETag", "\"e\"")], body))
      let error = await harness.failure { () async throws(ObjectStoreError) in
        _ = try await harness.store.put("k", .bytes([1]), if: .ifAbsent)
      }
      guard case .unavailable = error else {
        Issue.record("\(String(describing: error))")
        return
      }
      for keys in [["k"], ["k", "l"]] {
        let harness = S3Harness(Reply(200, [], body))
        let error = await harness.failure { () async throws(ObjectStoreError) in try await harness.store.delete(keys) }
        guard case .unavailable = error else {
          Issue.record("\(String(describing: error))")
          return
        }
      }
    }
  }

  @Test func success_WithoutAnETag_IsAFailure() async {
    let harness = S3Harness(Reply(200, [("Content-Length", "0")]))
    _ = await harness.failure { () async throws(ObjectStoreError) in
      _ = try await harness.store.put("k", .bytes([]), if: .none)
    }
    _ = await harness.failure { () async throws(ObjectStoreError) in _ = try await harness.store.get("k", range: nil) }
    _ = await harness.failure { () async throws(ObjectStoreError) in _ = try await harness.store.head("k") }
  }
}

@Suite struct S3ListAndDeleteTests {
  private func document(_ keys: [String], truncated: String = "false", encoded: Bool = true) -> String {
    let entries = keys.map {
      "<Contents><Key>\($0)</Key><LastModified>2026-11-21T06:45:00.000Z</LastModified><ETag>&quot;e&quot;</ETag>"
        + "<Size>7</Size><StorageClass>STANDARD</StorageClass></Contents>"
    }.joined()
    return """
      <?xml version="1.0" encoding="UTF-8"?><ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/">
      <Name>bucket</Name><IsTruncated>\(truncated)</IsTruncated>\(encoded ? "<EncodingType>url</EncodingType>" : "")
      \(entries)</ListBucketResult>
      """
  }

  @Test func list_AsksForOnePage_AndReadsItsEntries() async throws {
    let harness = S3Harness(
      Reply(200, [], document(["pre/fix/a%2Bb+c/", "pre/fix/a%2Bb+c/d", "pre/fix/a%C3%A9"], truncated: "true")))
    let page = try await harness.store.list(prefix: "a", after: "a+", limit: 500)
    #expect(page.isTruncated)
    #expect(page.objects.map(\.key) == ["a+b c/d", "aé"])
    #expect(
      page.objects.first == ObjectInfo(key: "a+b c/d", size: 7, etag: "\"e\"", modified: 1_795_243_500_000_000_000))
    let target = try #require(harness.client.requests.first?.target)
    #expect(
      target == "/bucket?list-type=2&prefix=pre%2Ffix%2Fa&max-keys=500&encoding-type=url&start-after=pre%2Ffix%2Fa%2B")
  }

  private static func listed(_ entries: String) -> String {
    "<ListBucketResult><IsTruncated>false</IsTruncated>\(entries)</ListBucketResult>"
  }

  @Test(arguments: [
    "", "no xml", "<ListBucketResult>", "<html><body>a proxy</body></html>", "<ListBucketResult></ListBucketResult>",
    "<!DOCTYPE l [<!ENTITY a \"b\">]><ListBucketResult><IsTruncated>false</IsTruncated></ListBucketResult>",
    listed("<Contents><Key>pre/fix/k</Key></Contents>"),
    listed("<Contents><Key>pre/fix/k</Key><Size>-1</Size></Contents>"),
    listed("<Contents><Key>other/k</Key><Size>1</Size></Contents>"),
  ])
  func list_Fails_OnWhatIsNoList(_ body: String) async {
    let harness = S3Harness(Reply(200, [], body))
    _ = await harness.failure { () async throws(ObjectStoreError) in
      _ = try await harness.store.list(prefix: "", after: nil, limit: 1000)
    }
  }

  @Test func list_Fails_WhenItsOrderWouldLoseKeys() async {
    for (keys, after, limit) in [
      (["pre/fix/b", "pre/fix/a"], nil, 10), (["pre/fix/a"], "a", 10), (["pre/fix/a", "pre/fix/b"], nil, 1),
    ] as [([String], String?, Int)] {
      let harness = S3Harness(Reply(200, [], document(keys)))
      _ = await harness.failure { () async throws(ObjectStoreError) in
        _ = try await harness.store.list(prefix: "", after: after, limit: limit)
      }
    }
  }

  @Test func delete_SendsBatchesOfAThousand() async throws {
    let harness = S3Harness(Reply(200, [], "<DeleteResult/>"))
    try await harness.store.delete((0..<2500).map { "k&\($0)" })
    let bodies = harness.client.bodies.map { String(decoding: $0, as: UTF8.self) }
    #expect(bodies.map { $0.components("<Object>") } == [1000, 1000, 500])
    #expect(bodies[0].contains("<Key>pre/fix/k&amp;0</Key>"))
    let request = try #require(harness.client.requests.first)
    #expect(request.method == .post && request.target == "/bucket?delete=")
    #expect(request.field("content-md5") != nil && request.field("x-amz-checksum-crc32c") != nil)
  }

  @Test func delete_Fails_WhereAKeyIsStillThere() async {
    let body = "<DeleteResult><Error><Key>k</Key><Code>\("InternalError")</Code></Error></DeleteResult>"
    let harness = S3Harness(Reply(200, [], body))
    let error = await harness.failure { () async throws(ObjectStoreError) in try await harness.store.delete(["k", "l"])
    }
    guard case .unavailable = error else {
      Issue.record("\(String(describing: error))")
      return
    }
  }

  @Test func delete_GoesKeyByKey_WhereBatchesAreNotKnown() async throws {
    let harness = S3Harness(errorReply(501, "NotImplemented"), Reply(204))
    try await harness.store.delete(["a", "b"])
    try await harness.store.delete(["c", "d"])
    #expect(harness.client.requests.map(\.method) == [.post, .delete, .delete, .delete, .delete])
  }
}

extension String {
  /// How often `part` occurs.
  fileprivate func components(_ part: String) -> Int {
    var count = 0
    var rest = self[...]
    while let range = rest.firstRange(of: part) {
      count += 1
      rest = rest[range.upperBound...]
    }
    return count
  }
}
