// `callflow version`.

import ArgumentParser
import Service

struct Version: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Print the versions of callflow, libevent, OpenSSL and zstd.")

  func run() { CommandSetup.show(VersionText.text) }
}
