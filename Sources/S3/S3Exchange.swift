// One signed request and its reply. Two refusals are mended here, each once a request, because a signature has to be
// made again: a bucket in another region, and a clock that is wrong. What was learned is kept for all later requests.
// Redirects are never followed: a new region changes the signature and, at AWS, the host that we build ourselves; no
// reply can send credentials elsewhere.

import Crypto
import HTTPModel
import HTTPTypes
import ObjectStore
import Primitives
import Synchronization

struct S3Request: Sendable {
  enum Place: Sendable {
    case bucket
    case object(String)
  }

  var method: HTTPRequest.Method
  var place: Place
  /// Not encoded yet.
  var query: [(name: String, value: String)] = []
  var fields: [(name: HTTPField.Name, value: String)] = []
  var body: S3Body = .empty
  /// The longest reply that is read.
  var maxReplyBytes = 1024 * 1024
  /// What the deadline allows for.
  var expectedReplyBytes = 0
}

struct S3Reply: Sendable {
  let status: Int
  let fields: HTTPFields
  let bytes: [UInt8]
}

/// A reply that is no success, or none at all.
enum S3ExchangeError: Error {
  case failure(S3Failure)
  case store(ObjectStoreError)
}

final class S3Exchange: Sendable {
  private struct Learned: Sendable {
    var region: String
    /// The store's clock minus ours.
    var clockOffsetSeconds: Int64 = 0
  }

  private let settings: S3Settings
  private let client: any HTTPClient
  private let credentials: any CredentialsProvider
  private let executor: BlockingExecutor
  private let clock: any Clock
  private let learned: Mutex<Learned>

  init(
    settings: S3Settings, client: any HTTPClient, credentials: any CredentialsProvider, executor: BlockingExecutor,
    clock: any Clock
  ) {
    self.settings = settings
    self.client = client
    self.credentials = credentials
    self.executor = executor
    self.clock = clock
    learned = Mutex(Learned(region: settings.region))
  }

  /// For the keys and names in requests and replies.
  var address: S3Address { S3Address(settings, region: learned.withLock { $0.region }) }

  /// The reply with a status of 200 to 299, its body read to the end.
  func perform(_ request: S3Request) async throws(S3ExchangeError) -> S3Reply {
    var mayChangeRegion = true
    var mayCorrectClock = true
    while true {
      let known = learned.withLock { $0 }
      let reply = try await send(request, known)
      if (200...299).contains(reply.status) { return reply }
      let failure = failure(reply)
      switch failure.meaning {
      case .elsewhere:
        guard mayChangeRegion, let region = failure.region, region != known.region else { throw .failure(failure) }
        mayChangeRegion = false
        learned.withLock { $0.region = region }
      case .skewed:
        guard mayCorrectClock, let date = failure.date else { throw .failure(failure) }
        mayCorrectClock = false
        learned.withLock { $0.clockOffsetSeconds = date - nowSeconds }
      default: throw .failure(failure)
      }
    }
  }

  func failure(_ reply: S3Reply) -> S3Failure {
    S3Failure(status: reply.status, fields: reply.fields, body: reply.bytes, now: nowSeconds)
  }

  /// What a failure means to the caller of the store, in words that name endpoint, bucket and cause.
  func storeError(_ failure: S3Failure) -> ObjectStoreError {
    let text = describe(failure.cause)
    switch failure.meaning {
    case .absent: return .misconfigured(text)
    // Taken for "no such object", a load balancer's own 404 would make stored events and keys disappear.
    case .unexplainedAbsence: return .unavailable("\(text) without the document of an S3 store")
    case .conditionFailed: return .unavailable(text)
    case .unavailable: return .unavailable(text, retryAfterSeconds: failure.retryAfterSeconds)
    case .misconfigured: return .misconfigured(text)
    case .rejected: return .rejected(text)
    case .skewed: return .misconfigured("\(text) (this machine's clock is wrong)")
    case .elsewhere:
      let advice = failure.region.map { "the bucket is in region \($0)" } ?? "another endpoint or region is needed"
      return .misconfigured("\(text) (\(advice); redirects are not followed)")
    }
  }

  func describe(_ cause: String) -> String {
    let origin = S3Address(settings, region: learned.withLock { $0.region }).origin
    return "\(origin.isTLS ? "https" : "http")://\(origin.hostField), bucket '\(settings.location.bucket)': \(cause)"
  }

  private var nowSeconds: Int64 { clock.wallNanoseconds() / 1_000_000_000 }
}

// MARK: - One try

extension S3Exchange {
  private func send(_ request: S3Request, _ known: Learned) async throws(S3ExchangeError) -> S3Reply {
    let outgoing = try await signed(request, known)
    let deadline = settings.requestDeadline + .seconds((request.body.size + request.expectedReplyBytes) >> 20)
    do {
      let response = try await client.send(outgoing, deadline: deadline)
      // A refusal's document is small, whatever was asked for.
      let isSuccess = (200...299).contains(response.status)
      let limit = isSuccess ? request.maxReplyBytes : min(request.maxReplyBytes, 1024 * 1024)
      let bytes = try await response.body.collect(maxBytes: limit)
      return S3Reply(status: response.status, fields: response.fields, bytes: bytes)
    } catch {
      throw .store(storeError(transport: error))
    }
  }

  private func signed(_ request: S3Request, _ known: Learned) async throws(S3ExchangeError) -> ClientRequest {
    let address = S3Address(settings, region: known.region)
    let path =
      switch request.place {
      case .bucket: address.bucket
      case .object(let key): address.object(key)
      }
    let query = request.query.map {
      "\(PercentEncoding.encode($0.name.utf8))=\(PercentEncoding.encode($0.value.utf8))"
    }.joined(separator: "&")
    let credentials = try await currentCredentials()
    let host = [(name: "host", value: address.origin.hostField)]
    let toSign = SigV4Signer.Request(
      method: request.method.rawValue, path: path, query: query,
      fields: host + request.fields.map { ($0.name.canonicalName, $0.value) }, bodyHash: request.body.sha256)
    let signer = SigV4Signer(credentials: credentials, region: known.region)
    let signature: SigV4Signer.Signature
    do throws(CryptoError) {
      signature = try signer.sign(toSign, at: nowSeconds + known.clockOffsetSeconds)
    } catch {
      throw .store(.unavailable(describe("the request cannot be signed: \(error)")))
    }
    return ClientRequest(
      method: request.method, origin: address.origin, target: query.isEmpty ? path : "\(path)?\(query)",
      fields: request.fields + signature.addedFields.map { (.literal($0.name), $0.value) },
      body: request.body.content(executor))
  }

  private func currentCredentials() async throws(S3ExchangeError) -> S3Credentials {
    do throws(ObjectStoreError) {
      if let found = try await credentials.credentials() { return found }
    } catch {
      throw .store(error)
    }
    throw .store(
      .misconfigured(describe("there are no credentials: set storage.s3.access_key_id or AWS_ACCESS_KEY_ID")))
  }

  private func storeError(transport error: any Error) -> ObjectStoreError {
    switch error {
    case let error as ObjectStoreError: return error
    case HTTPClientError.nameNotResolved(let reason):
      return .unavailable(describe("the host name cannot be resolved: \(reason)"))
    case HTTPClientError.connectFailed(let reason): return .unavailable(describe("no connection: \(reason)"))
    case HTTPClientError.tlsFailed(let reason): return .misconfigured(describe("TLS failed: \(reason)"))
    case HTTPClientError.connectionLost: return .unavailable(describe("the connection broke"))
    case HTTPClientError.deadlineExceeded: return .unavailable(describe("no answer in time"))
    case HTTPClientError.malformedResponse(let reason): return .unavailable(describe("the reply is no HTTP: \(reason)"))
    case HTTPClientError.responseTooLarge(let limit):
      return .corrupt(describe("the reply is longer than the \(limit) bytes that it may have"))
    case is CancellationError: return .unavailable(describe("the request was cancelled"))
    default: return .unavailable(describe("the request failed: \(error)"))
    }
  }
}
