// The commands that end by themselves: exit statuses and what is said where.

import Foundation
import TestSupport
import Testing

@testable import Service

@Suite struct CommandTests {
  private let folder = TemporaryFolder()

  private var data: [String: String] { ["CALLFLOW_STORAGE_DATA": folder.file("data")] }

  @Test func version_NamesTheLibraries() throws {
    let result = try Program.run("version")
    #expect(result.status == 0)
    #expect(result.output.hasPrefix("callflow \(BuildInfo.version)"))
    #expect(result.output.contains(/libevent 2\.\d/))
    #expect(result.output.contains(/OpenSSL 3\.\d/))
    #expect(result.output.contains(/zstd 1\.\d/))
  }

  @Test func usage_Is2_AndHelpIs0() throws {
    #expect(try Program.run("no-such-command").status == 2)
    #expect(try Program.run("serve", "--no-such-option").status == 2)
    #expect(try Program.run("keys", "create").status == 2)
    #expect(try Program.run("keys", "create", "--name", "x", "--sigv4").status == 2)
    let help = try Program.run("--help")
    #expect(help.status == 0)
    #expect(help.output.contains("check-config"))
  }

  @Test func badConfiguration_Is78_WithEveryProblem() throws {
    try write("http:\n  lisen: 127.0.0.1:8080\nlog:\n  level: loud\n", to: folder.file("bad.yaml"))
    for command in ["serve", "check-config", "health"] {
      let result = try Program.run(command, "--config", folder.file("bad.yaml"))
      #expect(result.status == 78, "\(command)")
      #expect(result.errors.contains("line 2"))
      #expect(result.errors.contains("http.listen"))
      #expect(result.errors.contains("log.level"))
      #expect(result.output.isEmpty)
    }
    #expect(try Program.run("check-config", "--config", folder.file("absent.yaml")).status == 78)
  }

  @Test func checkConfig_PrintsWhatIsInForce_AndWarnsOfUnknownVariables() throws {
    let result = try Program.run(
      "check-config", "--set", "log.level=warn", environment: data.merging(["CALLFLOW_PORT": "tcp://x"]) { $1 })
    #expect(result.status == 0)
    #expect(result.output.contains("level: warn  # --set"))
    #expect(result.output.contains("# Requests a month"))
    #expect(result.errors.contains("warning: the environment variable CALLFLOW_PORT"))
    #expect(!FileManager.default.fileExists(atPath: folder.file("data")), "nothing is made without --online")
  }

  @Test func checkConfig_ProvesTheStore_Online() throws {
    let good = try Program.run("check-config", "--online", environment: data)
    #expect(good.status == 0)
    for step in ["write", "read", "list", "conditional write", "delete"] {
      #expect(good.output.contains("ok      \(step)"))
    }

    let away = try Program.run(
      "check-config", "--online", "--set", "storage.url=s3://bucket/x", "--set",
      "storage.s3.endpoint=http://127.0.0.1:1",
      environment: data.merging(["AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "never-print-this"]) { $1 })
    #expect(away.status == 1)
    #expect(away.output.contains("FAILED  write: "))
    #expect(!(away.output + away.errors).contains("never-print-this"))
  }

  @Test func keys_AreMadeListedAndRevoked() throws {
    let made = try Program.run(
      "keys", "create", "--name", "pbx-1", "--scopes", "events:write", "--expires", "90d", environment: data)
    #expect(made.status == 0)
    #expect(made.output.contains(/^cfk_[A-Za-z0-9_-]{43}\n$/))
    #expect(try Program.run("keys", "create", "--name", "second", environment: data).status == 0)

    let listed = try Program.run("keys", "list", environment: data).output
    #expect(listed.contains(/pbx-1 +active +events:write +20/))
    #expect(listed.contains(/second +active +events:write,events:read +20.* never/))
    #expect(!listed.contains("cfk_"))
    #expect(!read(folder.file("data/keys.json")).contains("cfk_"))

    let again = try Program.run("keys", "create", "--name", "pbx-1", environment: data)
    #expect(again.status == 1)
    #expect(again.errors.contains("a key named pbx-1 exists"))
    #expect(try Program.run("keys", "revoke", "pbx-1", environment: data).status == 0)
    #expect(try Program.run("keys", "revoke", "pbx-1", environment: data).status == 1)
    #expect(try Program.run("keys", "list", environment: data).output.contains(/pbx-1 +revoked/))
  }

  @Test(arguments: [
    ["--name", "a b"], ["--name", "x", "--scopes", "events:fly"], ["--name", "x", "--expires", "soon"],
    ["--name", "x", "--expires", "0s"],
  ])
  func keys_AreRefused_WhenTheRequestIsWrong(arguments: [String]) throws {
    let process = Program.process(["keys", "create"] + arguments, data)
    process.standardOutput = FileHandle.nullDevice
    process.standardError = FileHandle.nullDevice
    try process.run()
    process.waitUntilExit()
    #expect(process.terminationStatus == 1)
    #expect(!read(folder.file("data/keys.json")).contains("sha256"))
  }

  @Test func verifyAndHealth_Fail_WhenNobodyAnswers() throws {
    let verified = try Program.run("verify", "--url", "http://127.0.0.1:1", environment: data)
    #expect(verified.status == 1)
    #expect(verified.output.contains("FAILED  health"))
    #expect(try Program.run("verify", "--url", "nonsense", environment: data).status == 1)
    #expect(try Program.run("health", "--set", "admin.listen=127.0.0.1:1", environment: data).status == 1)
    #expect(try Program.run("inspect", folder.file("absent"), environment: data).status == 1)
  }
}
