// The log of one process: its sink, format and level, and the two ways to write to it. Passed to whoever logs;
// nothing is global.

import Logging
import Primitives
import Synchronization

package final class LogOutput: Sendable {
  private let sink: LogSink
  private let format: LogFormat
  private let clock: any Clock
  private let minimum: Atomic<Int>

  package init(sink: LogSink, format: LogFormat, level: Logger.Level, clock: any Clock) {
    self.sink = sink
    self.format = format
    self.clock = clock
    minimum = Atomic(level.rank)
  }

  /// The least level that is written. Takes effect at once in every logger.
  package var level: Logger.Level {
    get { Logger.Level.allCases.first { $0.rank == minimum.load(ordering: .relaxed) } ?? .info }
    set { minimum.store(newValue.rank, ordering: .relaxed) }
  }

  package func isEnabled(_ level: Logger.Level) -> Bool { level.rank >= minimum.load(ordering: .relaxed) }

  /// A swift-log logger whose lines have that `component`.
  package func logger(_ component: String) -> Logger {
    Logger(label: component) { label in JSONLogHandler(component: label, output: self) }
  }

  /// A line to be filled and given to `write`; nil where the level is off.
  package func line(_ level: Logger.Level, component: String, message: String) -> LineBuilder? {
    guard isEnabled(level) else { return nil }
    return LineBuilder(
      format: format, wallNanoseconds: clock.wallNanoseconds(), level: level, component: component, message: message)
  }

  package func write(_ line: consuming LineBuilder) { sink.write(line.finish()) }
}

/// swift-log's back end. Lines are JSON or text as the output says.
package struct JSONLogHandler: LogHandler {
  private let component: String
  private let output: LogOutput
  private var ownLevel: Logger.Level?

  package var metadata: Logger.Metadata = [:]
  package var metadataProvider: Logger.MetadataProvider?

  package init(component: String, output: LogOutput) {
    self.component = component
    self.output = output
  }

  /// The output's, which may change while the process runs, unless this logger was given its own.
  package var logLevel: Logger.Level {
    get { ownLevel ?? output.level }
    set { ownLevel = newValue }
  }

  package subscript(metadataKey key: String) -> Logger.MetadataValue? {
    get { metadata[key] }
    set { metadata[key] = newValue }
  }

  /// The event's own metadata wins over the provider's, that over the logger's.
  package func log(event: LogEvent) {
    var all = metadata
    if let provided = metadataProvider?.get() { all.merge(provided) { _, new in new } }
    if let own = event.metadata { all.merge(own) { _, new in new } }
    if let error = event.error, all["error"] == nil { all["error"] = .string("\(error)") }
    var line = output.unconditionalLine(event.level, component: component, message: event.message.description)
    for (key, value) in all.sorted(by: { $0.key < $1.key }) { line.add(key: key, value) }
    output.write(line)
  }
}

extension LogOutput {
  /// For the handler: swift-log has compared the level already, with the logger's own if it has one.
  fileprivate func unconditionalLine(_ level: Logger.Level, component: String, message: String) -> LineBuilder {
    LineBuilder(
      format: format, wallNanoseconds: clock.wallNanoseconds(), level: level, component: component, message: message)
  }
}

extension Logger.Level {
  fileprivate var rank: Int {
    switch self {
    case .trace: 0
    case .debug: 1
    case .info: 2
    case .notice: 3
    case .warning: 4
    case .error: 5
    case .critical: 6
    }
  }
}
