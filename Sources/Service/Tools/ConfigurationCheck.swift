// `check-config`: what is in force, what it costs, and with `--online` whether the store keeps its word.

import EventStore
import ObjectStore
import Observability
import Primitives

package enum ConfigurationCheck {
  /// The effective configuration and the requests a month.
  package static func report(_ settings: Settings) -> String {
    SettingsDocument.effective(settings) + "\n" + RequestEstimate(settings).text
  }

  /// One line a step; throws where one fails.
  package static func online(_ settings: Settings, print: (String) -> Void) async throws {
    try await CommandSetup.withLoops { group in
      if case .folder = settings.store { try DataFolderCheck.make(settings.dataFolder) }
      let storage = try await StoreAssembly(
        settings: settings, group: group, registry: MetricRegistry(), clock: SystemClock(), random: SystemRandom())
      let steps = await StoreProof(store: storage.objects).run()
      await storage.shutDown()
      for step in steps {
        print(step.failure.map { "FAILED  \(step.name): \($0.message)" } ?? "ok      \(step.name)")
      }
      if let failure = steps.compactMap(\.failure).first { throw Self.failure(failure) }
    }
  }

  private static func failure(_ error: ObjectStoreError) -> ServiceFailure {
    let text = "the object store does not pass: \(error.message)"
    if case .misconfigured = error { return .misconfigured(text) }
    return .failed(text)
  }
}

/// LIST, PUT and GET requests that a node makes in 30 days, because a bucket's owner pays for each.
struct RequestEstimate {
  private static let monthSeconds = 30.0 * 86_400
  private let settings: Settings

  init(_ settings: Settings) { self.settings = settings }

  var text: String {
    let refresh = max(
      settings.seconds("storage.refresh_interval"), 1 / Double(settings.integer("storage.list_per_second")))
    let interval = settings.seconds("storage.upload.interval")
    let fastest = max(settings.seconds("storage.upload.object_store_interval"), Self.fastestUpload)
    let journalPuts = Self.monthSeconds / interval
    let strongPuts = Self.monthSeconds / fastest
    let isStrong = settings.acknowledge == .objectStore
    let lists = Self.grouped(Self.monthSeconds / refresh)
    let puts = Self.grouped(isStrong ? strongPuts : journalPuts)
    let reason = isStrong ? strongReason(fastest) : journalReason(interval, strongPuts)
    let target = settings.store == .s3 ? "" : " (on the embedded store they cost nothing)"
    return """
      # Requests a month (30 days) of each node, at most\(target):
      #   LIST \(lists): storage.refresh_interval \(SettingText.duration(refresh)) while there are reads, and
      #        every 5 minutes one for each 1,000 objects of the inbox
      #   PUT  \(puts): \(reason)
      #   GET  \(Self.grouped(Self.monthSeconds)) where the keys are in the bucket (looked at every second), and
      #        those of reads

      """
  }

  /// With storage.upload.object_store_interval 0: four uploads in flight of about 50 ms each.
  private static let fastestUpload = 0.0125

  private func journalReason(_ interval: Double, _ strong: Double) -> String {
    "storage.upload.interval \(SettingText.duration(interval)) while events arrive; up to \(Self.grouped(strong))"
      + " if all ask for Acknowledge: object-store"
  }

  private func strongReason(_ interval: Double) -> String {
    "storage.upload.object_store_interval \(SettingText.duration(interval)) while events arrive without a pause"
  }

  static func grouped(_ count: Double) -> String {
    var digits = String(Int(count.rounded()))
    var groups: [String] = []
    while digits.count > 3 {
      groups.insert(String(digits.suffix(3)), at: 0)
      digits.removeLast(3)
    }
    return ([digits] + groups).joined(separator: ",")
  }
}
