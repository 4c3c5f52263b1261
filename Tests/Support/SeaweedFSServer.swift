// A real S3 server that checks signatures, for tests: `weed server` on free ports, one for the test process, ended with
// it.

import Foundation
import HTTPModel
import Primitives
import S3
import Synchronization

package final class SeaweedFSServer: Sendable {
  package struct Unavailable: Error, CustomStringConvertible {
    package let reason: String

    package var description: String { "SeaweedFS cannot be run: \(reason)" }
  }

  package let endpoint: Origin
  /// The same server over TLS, with a certificate for `localhost` that only `caFile` vouches for.
  package let secureEndpoint: Origin
  package var caFile: String { folder.file("certificate.pem") }
  package let accessKeyID = "callflowtest"
  package let secretAccessKey = "callflow-secret-for-tests"

  private let process: Process
  private let folder: TemporaryFolder
  private let shared = Mutex<Task<String, any Error>?>(nil)
  private static let bucketNumber = Atomic<Int>(0)
  private static let start = Mutex<Task<SeaweedFSServer, any Error>?>(nil)
  /// The kernel ends the server when the thread that started it ends (PR_SET_PDEATHSIG), so that thread must never end
  /// before the process.
  private static let spawner = BlockingExecutor(threads: 1, name: "weed-spawner")

  /// The server of this test process, started by the first call. Throws `Unavailable`, which is also said loudly.
  package static func shared() async throws -> SeaweedFSServer {
    let task = start.withLock { start in
      if let running = start { return running }
      let task = Task { try await launch() }
      start = task
      return task
    }
    return try await task.value
  }

  package var credentials: S3Credentials {
    S3Credentials(accessKeyID: accessKeyID, secretAccessKey: secretAccessKey)
  }

  /// The one bucket that all tests of the process share; each uses a prefix of its own.
  package func sharedBucket() async throws -> String {
    let task = shared.withLock { shared in
      if let made = shared { return made }
      let task = Task { try await makeBucket() }
      shared = task
      return task
    }
    return try await task.value
  }

  /// A new bucket that takes objects: a fresh filer needs a moment until it can write, and each bucket a few volumes.
  package func makeBucket() async throws -> String {
    let number = Self.bucketNumber.add(1, ordering: .relaxed).newValue
    let bucket = "test-\(ProcessInfo.processInfo.processIdentifier)-\(number)"
    try await repeated(.put, "/\(bucket)")
    try await repeated(.put, "/\(bucket)/ready")
    return bucket
  }

  private func repeated(_ method: S3SocketHTTPClient.Method, _ path: String) async throws {
    let deadline = Date().addingTimeInterval(30)
    while true {
      let status = try? await send(method, path)
      if status == 200 { return }
      guard Date() < deadline else { throw Unavailable(reason: "\(method.rawValue) \(path): \(status ?? 0)") }
      try await Task.sleep(nanoseconds: 50_000_000)
    }
  }

  /// Ends the server at once; for tests of an endpoint that is away.
  package func stop() {
    process.terminate()
    kill(process.processIdentifier, SIGKILL)
  }

  private init(port: Int, securePort: Int, process: Process, folder: TemporaryFolder) {
    endpoint = Origin(isTLS: false, host: "127.0.0.1", port: port)
    secureEndpoint = Origin(isTLS: true, host: "localhost", port: securePort)
    self.process = process
    self.folder = folder
  }

  private static func launch() async throws -> SeaweedFSServer {
    do {
      let binary = try await spawner.run { try SeaweedFSBinary.find() }
      for attempt in 1... {
        let server = try await spawner.run { try spawn(binary) }
        if await server.becomesReady() { return server }
        server.stop()
        let log = (try? String(contentsOfFile: server.folder.file("log"), encoding: .utf8)) ?? ""
        if attempt == 3 { throw Unavailable(reason: "it does not start:\n\(log.suffix(2000))") }
      }
      throw Unavailable(reason: "it does not start")
    } catch {
      FileHandle.standardError.write(
        Data("\n*** \(error); THE TESTS AGAINST A REAL S3 SERVER DID NOT RUN ***\n\n".utf8))
      throw error
    }
  }

  private static func spawn(_ binary: String) throws -> SeaweedFSServer {
    let folder = TemporaryFolder("callflow-weed")
    let identities = """
      {"identities":[{"name":"test",
      "credentials":[{"accessKey":"callflowtest","secretKey":"callflow-secret-for-tests"}],
      "actions":["Admin","Read","Write","List","Tagging"]}]}
      """
    try Data(identities.utf8).write(to: URL(fileURLWithPath: folder.file("s3.json")))
    try FileManager.default.createDirectory(atPath: folder.file("data"), withIntermediateDirectories: true)
    try makeCertificate(in: folder)
    let ports = try freePorts(5)
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/setpriv")
    process.arguments = [
      "--pdeathsig", "KILL", binary, "server", "-dir", folder.file("data"), "-ip", "127.0.0.1", "-ip.bind", "127.0.0.1",
      "-master.port=\(ports[0])", "-volume.port=\(ports[1])", "-filer", "-filer.port=\(ports[2])", "-s3",
      "-s3.port=\(ports[3])", "-s3.port.https=\(ports[4])", "-s3.cert.file", folder.file("certificate.pem"),
      "-s3.key.file", folder.file("key.pem"), "-s3.config", folder.file("s3.json"), "-s3.autoCreateBucket=false",
      "-s3.iam=false",
      "-iam=false", "-s3.port.iceberg=0", "-s3.port.lance=0", "-volume.max=50", "-master.volumeSizeLimitMB=256",
    ]
    _ = FileManager.default.createFile(atPath: folder.file("log"), contents: nil)
    let log = FileHandle(forWritingAtPath: folder.file("log"))
    process.standardOutput = log ?? FileHandle.nullDevice
    process.standardError = log ?? FileHandle.nullDevice
    process.standardInput = FileHandle.nullDevice
    try process.run()
    endAtExit(process.processIdentifier, folder.path)
    return SeaweedFSServer(port: ports[3], securePort: ports[4], process: process, folder: folder)
  }

  private static func makeCertificate(in folder: TemporaryFolder) throws {
    let openssl = Process()
    openssl.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    openssl.arguments = [
      "openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
      "-subj",
      "/CN=localhost", "-addext", "subjectAltName=DNS:localhost", "-keyout", folder.file("key.pem"), "-out",
      folder.file("certificate.pem"),
    ]
    openssl.standardError = FileHandle.nullDevice
    try openssl.run()
    openssl.waitUntilExit()
    guard openssl.terminationStatus == 0 else { throw Unavailable(reason: "openssl makes no certificate") }
  }

  /// Polls, because another program's readiness has no other sign. A signed list of buckets shows that the identities
  /// are loaded.
  private func becomesReady() async -> Bool {
    let deadline = Date().addingTimeInterval(60)
    while Date() < deadline, process.isRunning {
      if (try? await send(.get, "/")) == 200 { return true }
      try? await Task.sleep(nanoseconds: 50_000_000)
    }
    return false
  }

  private func send(_ method: S3SocketHTTPClient.Method, _ path: String) async throws -> Int {
    let request = SigV4Signer.Request(
      method: method.rawValue, path: path, query: "", fields: [("host", endpoint.hostField)],
      bodyHash: SigV4Signer.emptyBodyHash)
    let signature = try SigV4Signer(credentials: credentials, region: "us-east-1").sign(
      request, at: SystemClock().wallNanoseconds() / 1_000_000_000)
    return try await S3SocketHTTPClient.status(of: method, path, at: endpoint, fields: signature.addedFields)
  }

  // MARK: - Ports and the end

  /// Ports of which each, and the one 10000 above it (gRPC), are free; below the range of outgoing connections.
  private static func freePorts(_ count: Int) throws -> [Int] {
    var ports: [Int] = []
    for _ in 0..<1000 where ports.count < count {
      let port = Int.random(in: 12_000..<22_000)
      if !ports.contains(port), isFree(port), isFree(port + 10_000) { ports.append(port) }
    }
    guard ports.count == count else { throw Unavailable(reason: "there are no free ports") }
    return ports
  }

  private static func isFree(_ port: Int) -> Bool {
    let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    guard descriptor >= 0 else { return false }
    defer { close(descriptor) }
    var address = S3SocketHTTPClient.loopback(port: port)
    return withUnsafePointer(to: &address) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        bind(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
      }
    } == 0
  }

  private static let ended = Mutex<[(process: pid_t, folder: String)]>([])

  /// setpriv's signal covers a crash; this one an orderly end, with the folder.
  private static func endAtExit(_ process: pid_t, _ folder: String) {
    let isFirst = ended.withLock { ended in
      ended.append((process, folder))
      return ended.count == 1
    }
    guard isFirst else { return }
    atexit {
      for (process, folder) in SeaweedFSServer.ended.withLock({ $0 }) {
        kill(process, SIGTERM)
        kill(process, SIGKILL)
        try? FileManager.default.removeItem(atPath: folder)
      }
    }
  }
}
