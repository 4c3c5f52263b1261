// The built program as its users run it: one command to its end, or a service that is talked to and signalled.

import Foundation
import HTTPTypes
import Primitives
import Synchronization
import TestSupport

@testable import Service

enum Program {
  /// Beside the test bundle in the build folder.
  static let path: String = {
    let own = (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")) ?? CommandLine.arguments[0]
    return URL(fileURLWithPath: own).deletingLastPathComponent().appendingPathComponent("callflow").path
  }()

  struct Result {
    var status: Int32
    var output: String
    var errors: String
  }

  /// Without any variable that is a setting of whoever runs the tests.
  static func process(_ arguments: [String], _ environment: [String: String]) -> Process {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: path)
    process.arguments = arguments
    var variables = ProcessInfo.processInfo.environment.filter {
      !$0.key.hasPrefix("CALLFLOW_") && !$0.key.hasPrefix("AWS_")
    }
    variables.merge(environment) { _, new in new }
    process.environment = variables
    process.standardInput = FileHandle.nullDevice
    return process
  }

  static func run(_ arguments: String..., environment: [String: String] = [:]) throws -> Result {
    let folder = TemporaryFolder()
    let process = process(arguments, environment)
    // Files, because two pipes could fill up while only one is read.
    for name in ["out", "err"] { _ = FileManager.default.createFile(atPath: folder.file(name), contents: nil) }
    process.standardOutput = FileHandle(forWritingAtPath: folder.file("out"))
    process.standardError = FileHandle(forWritingAtPath: folder.file("err"))
    try process.run()
    process.waitUntilExit()
    return Result(status: process.terminationStatus, output: read(folder.file("out")), errors: read(folder.file("err")))
  }
}

/// `callflow serve` on free ports, with a data folder of its own.
final class RunningService {
  private let process: Process
  private let output = Pipe()
  private var unread: [UInt8] = []
  /// Every log line so far.
  private(set) var lines: [String] = []
  private(set) var http = ""
  private(set) var admin = ""

  /// Waits for the line that tells the addresses; throws with the log where the service ends before.
  init(_ environment: [String: String], arguments: [String] = ["serve"]) throws {
    let ports = [
      "CALLFLOW_HTTP_LISTEN": "127.0.0.1:0", "CALLFLOW_ADMIN_LISTEN": "127.0.0.1:0", "CALLFLOW_HTTP_THREADS": "1",
    ]
    process = Program.process(arguments, ports.merging(environment) { _, own in own })
    process.standardOutput = output
    process.standardError = output
    try process.run()
    let serving = try waitForLine { $0.contains(#""message":"serving""#) }
    let line = try JSONValue(parsing: Array(serving.utf8))
    http = line["http"]?.stringValue ?? ""
    admin = line["admin"]?.stringValue ?? ""
  }

  deinit { if process.isRunning { kill(process.processIdentifier, SIGKILL) } }

  struct Ended: Error {
    let log: [String]
  }

  @discardableResult
  func waitForLine(_ isWanted: (String) -> Bool) throws -> String {
    while true {
      while let end = unread.firstIndex(of: 0x0A) {
        let line = String(decoding: unread[..<end], as: UTF8.self)
        unread.removeFirst(end + 1)
        lines.append(line)
        if isWanted(line) { return line }
      }
      let piece = output.fileHandleForReading.availableData
      if piece.isEmpty { throw Ended(log: lines) }
      unread.append(contentsOf: piece)
    }
  }

  func signal(_ number: Int32) { kill(process.processIdentifier, number) }

  /// Sends TERM, reads the log to its end and returns the exit status.
  func terminate() -> Int32 {
    signal(SIGTERM)
    _ = try? waitForLine { _ in false }
    process.waitUntilExit()
    return process.terminationStatus
  }

  func send(_ method: String, _ path: String, admin isAdmin: Bool = false, key: String? = nil, json: String? = nil)
    async throws
    -> ServiceClient.Answer
  {
    try await CommandSetup.withLoops { group in
      let client = try ServiceClient(url: "http://\(isAdmin ? admin : http)", group: group)
      let answer = try await client.send(method == "POST" ? .post : .get, path, key: key, json: json)
      await client.shutDown()
      return answer
    }
  }

  func metric(_ name: String) async throws -> Double? {
    let text = try await send("GET", "/metrics", admin: true).text
    return text.split(separator: "\n").first { $0.hasPrefix("\(name) ") }.flatMap {
      Double($0.dropFirst(name.count + 1))
    }
  }
}
