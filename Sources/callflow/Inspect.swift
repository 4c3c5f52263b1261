// `callflow inspect`.

import ArgumentParser
import Service

struct Inspect: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Show what a segment file holds. Everything is shown unmasked.")

  @Argument(help: "Path of a segment (.ndjson.zst), as it lies in the spool or was fetched from the bucket.")
  var segment: String

  func run() throws { CommandSetup.show(try SegmentTool.describe(segment)) }
}
