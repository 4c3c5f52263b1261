// What the S3 store sends, and what it makes of replies, with a client that answers from a script.

import HTTPModel
import HTTPTypes
import ObjectStore
import Primitives
import TestSupport
import Testing

@testable import S3

struct S3Harness {
  let client: S3ScriptedHTTPClient
  let store: S3ObjectStore
  let clock = ManualClock(wall: 1_440_938_160_000_000_000)
  static let executor = BlockingExecutor(threads: 1, name: "s3-unit")
  static let endpoint = try? S3Endpoint.parse("http://127.0.0.1:8333")
  static let secret = "the-secret-key"
  static let token = "the-session-token"

  init(
    _ replies: S3ScriptedHTTPClient.Reply..., endpoint: Origin? = S3Harness.endpoint,
    bucket: String = "bucket", prefix: String = "pre/fix", encryption: S3Encryption = .none
  ) {
    client = S3ScriptedHTTPClient(replies)
    store = S3ObjectStore(
      settings: S3Settings(
        location: S3Location(bucket: bucket, prefix: prefix), endpoint: endpoint, encryption: encryption),
      client: client,
      credentials: StaticCredentials(
        S3Credentials(accessKeyID: "ID", secretAccessKey: Self.secret, sessionToken: Self.token)),
      executor: Self.executor, clock: clock)
  }

  /// The error of `body`, whose text must name the bucket and no secret.
  func failure(
    _ body: () async throws(ObjectStoreError) -> Void, _ location: SourceLocation = #_sourceLocation
  ) async -> ObjectStoreError? {
    do throws(ObjectStoreError) {
      try await body()
      Issue.record("it did not fail", sourceLocation: location)
      return nil
    } catch {
      #expect(error.message.contains("bucket 'bucket'"), sourceLocation: location)
      #expect(!"\(error)".contains(Self.secret) && !"\(error)".contains(Self.token), sourceLocation: location)
      return error
    }
  }
}

@Suite struct S3RequestTests {
  private let stored = S3ScriptedHTTPClient.Reply(200, [("ETag", "\"e\"")])

  @Test func put_SendsHashChecksumTokenAndCondition() async throws {
    let harness = S3Harness(stored)
    let outcome = try await harness.store.put("a b/c+d", .bytes(Array("123456789".utf8)), if: .ifAbsent)
    #expect(outcome == .stored(etag: "\"e\""))
    let request = try #require(harness.client.requests.first)
    #expect(request.method == .put)
    #expect(request.origin.hostField == "127.0.0.1:8333")
    #expect(request.target == "/bucket/pre/fix/a%20b/c%2Bd")
    #expect(request.field("if-none-match") == "*")
    #expect(request.field("x-amz-checksum-crc32c") == "4waSgw==")
    #expect(
      request.field("x-amz-content-sha256") == "15e2b0d3c33891ebb0f1ef609ec419420c20e320ce94c65fbc8c3312448eb225")
    #expect(request.field("x-amz-security-token") == S3Harness.token)
    #expect(request.field("x-amz-date") == "20150830T123600Z")
    let authorization = try #require(request.field("authorization"))
    #expect(authorization.contains("Credential=ID/20150830/us-east-1/s3/aws4_request"))
    for name in ["host", "if-none-match", "x-amz-checksum-crc32c", "x-amz-content-sha256", "x-amz-security-token"] {
      #expect(authorization.contains(name), "\(name) is not signed")
    }
    #expect(harness.client.bodies.first == Array("123456789".utf8))
  }

  @Test func put_SendsIfMatchAndEncryption_AsSet() async throws {
    let harness = S3Harness(stored, encryption: .kms(keyID: "key-1"))
    _ = try await harness.store.put("k", .bytes([]), if: .ifMatch("\"v\""))
    let request = try #require(harness.client.requests.first)
    #expect(request.field("if-match") == "\"v\"")
    #expect(request.field("x-amz-server-side-encryption") == "aws:kms")
    #expect(request.field("x-amz-server-side-encryption-aws-kms-key-id") == "key-1")
  }

  @Test func put_SendsAFile_InPiecesWithItsHash() async throws {
    let folder = TemporaryFolder()
    let bytes = SeededRandom(2).bytes(600_000)
    try LocalFile(path: folder.file("body"), flags: 0o101).append(bytes)
    let file = S3Harness(stored)
    let memory = S3Harness(stored)
    _ = try await file.store.put("k", .file(path: folder.file("body"), size: bytes.count), if: .none)
    _ = try await memory.store.put("k", .bytes(bytes), if: .none)
    #expect(file.client.bodies == [bytes])
    guard case .stream(let length, _)? = file.client.requests.first?.body else {
      Issue.record("not streamed")
      return
    }
    #expect(length == bytes.count)
    let signatures = [file, memory].map { $0.client.requests.first?.field("authorization") }
    #expect(signatures[0] == signatures[1])
  }

  @Test func address_FollowsEndpointAndBucket() throws {
    func address(
      _ endpoint: String?, _ bucket: String = "bucket", _ addressing: S3Addressing = .auto, region: String = "eu-west-1"
    ) throws -> String {
      let settings = S3Settings(
        location: S3Location(bucket: bucket), endpoint: try endpoint.map { try S3Endpoint.parse($0) },
        region: "eu-west-1", addressing: addressing)
      let address = S3Address(settings, region: region)
      return "\(address.origin.isTLS ? "https" : "http")://\(address.origin.hostField)\(address.object("k"))"
    }
    let cases: [(String?, String, S3Addressing, String)] = [
      (nil, "bucket", .auto, "https://bucket.s3.eu-west-1.amazonaws.com/k"),
      (nil, "my.bucket", .auto, "https://s3.eu-west-1.amazonaws.com/my.bucket/k"),
      (nil, "bucket", .path, "https://s3.eu-west-1.amazonaws.com/bucket/k"),
      ("https://s3.eu-west-1.amazonaws.com", "bucket", .auto, "https://bucket.s3.eu-west-1.amazonaws.com/k"),
      ("http://127.0.0.1:8333", "bucket", .auto, "http://127.0.0.1:8333/bucket/k"),
      ("http://[::1]:8333/", "bucket", .auto, "http://[::1]:8333/bucket/k"),
      ("http://localhost", "bucket", .auto, "http://localhost/bucket/k"),
      ("https://minio.example.com:9000", "bucket", .auto, "https://minio.example.com:9000/bucket/k"),
      ("https://minio.example.com", "bucket", .virtualHost, "https://bucket.minio.example.com/k"),
      ("https://bucket.r2.example.com", "bucket", .virtualHost, "https://bucket.r2.example.com/k"),
      ("https://storage.googleapis.com", "storage", .auto, "https://storage.googleapis.com/storage/k"),
      ("https://bucket.s3.eu-west-1.amazonaws.com", "bucket", .auto, "https://bucket.s3.eu-west-1.amazonaws.com/k"),
    ]
    for (endpoint, bucket, addressing, expected) in cases {
      #expect(try address(endpoint, bucket, addressing) == expected)
    }
  }

  @Test func location_IsParsed_OrRefusedWithTheRule() throws {
    #expect(try S3Location.parse("s3://bucket") == S3Location(bucket: "bucket", prefix: ""))
    #expect(try S3Location.parse("s3://my-bucket/a/b/") == S3Location(bucket: "my-bucket", prefix: "a/b"))
    for bad in [
      "bucket", "s3://", "s3://b", "s3://a/b", "s3://buck et", "s3://bucket//x", "s3://bucket/a/../b", "s3://a..b",
    ] {
      #expect(throws: ObjectStoreError.self) { try S3Location.parse(bad) }
    }
    for bad in [
      "127.0.0.1", "ftp://h", "http://", "http://h:0", "http://h:x", "http://h/path", "http://u@h", "http://[::1",
    ] {
      #expect(throws: ObjectStoreError.self) { try S3Endpoint.parse(bad) }
    }
  }

  @Test func credentials_ComeFromTheFirstSourceThatHasThem() async throws {
    let chain = CredentialsChain([
      EnvironmentCredentials(environment: [:]),
      EnvironmentCredentials(environment: [
        "AWS_ACCESS_KEY_ID": "E", "AWS_SECRET_ACCESS_KEY": "s", "AWS_SESSION_TOKEN": "t",
      ]), StaticCredentials(S3Credentials(accessKeyID: "S", secretAccessKey: "x")),
    ])
    let found = try await chain.credentials()
    #expect(found == S3Credentials(accessKeyID: "E", secretAccessKey: "s", sessionToken: "t"))
    await #expect(throws: ObjectStoreError.self) {
      try await EnvironmentCredentials(environment: ["AWS_ACCESS_KEY_ID": "E"]).credentials()
    }
  }
}
