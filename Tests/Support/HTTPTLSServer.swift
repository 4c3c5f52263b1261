// `openssl s_server -HTTP` with a certificate of a test authority: each file of its folder is one whole reply, head
// included.

import Foundation

package final class HTTPTLSServer: @unchecked Sendable {
  package let port: Int
  /// PEM of the authority that signed the server's certificate.
  package let authorityFile: String
  private let folder: TemporaryFolder
  private let process: Process

  /// The certificate names `names` (`DNS:localhost`, `IP:127.0.0.1`). `replies` are the files: GET /name gives that
  /// reply.
  package init(names: [String], replies: [String: String], arguments: [String] = []) async throws {
    let folder = TemporaryFolder("callflow-tls")
    self.folder = folder
    authorityFile = folder.file("authority.pem")
    let key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2"]
    try Self.openssl(
      ["req", "-x509"] + key + [
        "-keyout", folder.file("authority.key"), "-out", authorityFile, "-subj", "/CN=authority",
      ])
    try Self.openssl(
      ["req", "-x509"] + key + [
        "-keyout", folder.file("server.key"), "-out", folder.file("server.pem"), "-subj", "/CN=server",
        "-addext", "subjectAltName=\(names.joined(separator: ","))", "-addext", "basicConstraints=critical,CA:FALSE",
        "-CA", authorityFile, "-CAkey", folder.file("authority.key"),
      ])
    for (name, reply) in replies { try reply.write(toFile: folder.file(name), atomically: false, encoding: .utf8) }
    process = Process()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/openssl")
    process.currentDirectoryURL = URL(fileURLWithPath: folder.path)
    process.arguments =
      ["s_server", "-accept", "127.0.0.1:0", "-cert", "server.pem", "-key", "server.key", "-HTTP"] + arguments
    let output = Pipe()
    process.standardOutput = output
    process.standardError = FileHandle.nullDevice
    process.standardInput = FileHandle.nullDevice
    try process.run()
    port = try await SocketThread.run {
      var text = ""
      while true {
        let data = output.fileHandleForReading.availableData
        guard !data.isEmpty else { throw SocketTestError(message: "openssl s_server ended: \(text)") }
        text += String(decoding: data, as: UTF8.self)
        if let match = text.firstMatch(of: /ACCEPT [^\n]*:(\d+)\n/), let port = Int(match.1) {
          // The server writes a line for every request: read on, or it stops at a full pipe.
          SocketThread.start { while !output.fileHandleForReading.availableData.isEmpty {} }
          return port
        }
      }
    }
  }

  deinit { process.terminate() }

  package func stop() { process.terminate() }

  private static func openssl(_ arguments: [String]) throws {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/openssl")
    process.arguments = arguments
    process.standardError = FileHandle.nullDevice
    process.standardOutput = FileHandle.nullDevice
    try process.run()
    process.waitUntilExit()
    guard process.terminationStatus == 0 else { throw SocketTestError(message: "openssl \(arguments[0]) failed") }
  }
}
