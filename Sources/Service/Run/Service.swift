// The running service: everything is made here, once, in the order in which it depends on each other, and taken down
// in reverse. Ready only when events can be taken; at the end first unready, then no new connections, then the
// requests in flight, then the journal.

import API
import Auth
import EventLoop
import EventStore
import Glibc
import HTTPTransport
import Logging
import ObjectStore
import Observability
import Primitives

package struct Service: Sendable {
  private let sources: SettingsSources
  private let settings: Settings
  private let output: LogOutput
  private let registry: MetricRegistry
  private let logger: Logger
  private let clock: any Clock = SystemClock()
  private let random: any RandomSource = SystemRandom()

  /// `sources`: where the settings are read from again on HUP.
  package init(sources: SettingsSources, settings: Settings, output: LogOutput, registry: MetricRegistry) {
    self.sources = sources
    self.settings = settings
    self.output = output
    self.registry = registry
    logger = output.logger("server")
  }

  /// Serves until TERM or INT, drains, and returns.
  package func run() async throws(ServiceFailure) {
    // libdispatch makes its timers' descriptors with the first sleep, and traps where none are left then.
    try? await Task.sleep(nanoseconds: 1)
    let server = try prepare()
    let group = try Self.loops(settings.threads)
    let signals = await Signals(on: group.loops[0], clock: clock)
    let storage = try await StoreAssembly(
      settings: settings, group: group, registry: registry, clock: clock, random: random)
    let objects = StartPatience(storage.objects, name: settings.storeName, clock: clock)
    let store = EventStore(
      settings: settings.eventStore, objects: objects, clock: clock, random: random, executors: .threads(),
      pause: { nanoseconds in try? await Task.sleep(nanoseconds: UInt64(max(nanoseconds, 0))) },
      commitWakeUp: .byTurn, metrics: registry, logger: output.logger("store"))
    for loop in group.loops { loop.addTurnHook { store.turnEnded() } }
    let keys = KeyKeeper(
      source: Self.keySource(storage, settings), isAnonymous: settings.isAnonymous, clock: clock,
      logger: output.logger("authorizer"))
    try await keys.readFirst(settings.keys)
    let readiness = Readiness(isAlive: { group.lagSeconds < Self.stuckSeconds })
    let parts = APIParts(
      events: store, authorizer: keys.authorizer, refresher: keys.refresher, readiness: readiness, registry: registry,
      log: output, clock: clock)
    let listeners = Listeners(
      group: group, settings: settings, server: server, parts: parts, random: random, logger: logger)
    ServiceMetrics.register(
      on: registry, settings: settings, group: group, store: store, readiness: readiness,
      authorizer: keys.authorizer, clock: clock, servers: listeners.servers)
    readiness.beginStarting()
    try await listeners.listenAdmin()
    try await Self.start(store)
    objects.end()
    let refreshing = keys.start()
    // Before: from the first accepted connection on, TERM drains.
    signals.serving()
    try await listeners.listenMain()
    readiness.endStarting()
    logger.info("serving", metadata: listeners.metadata)

    await signals.untilStopped { await reload(keys) }

    logger.info("draining")
    readiness.beginDraining()
    await drain(listeners, store)
    await store.drain(deadline: settings.drainTime)
    refreshing.cancel()
    await storage.shutDown()
    await listeners.drainAdmin()
    group.stop()
    logger.info("stopped")
  }

  /// Requests that wait for the object store get their answer while they still can be answered.
  private func drain(_ listeners: Listeners, _ store: EventStore) async {
    let patience = max(.zero, settings.drainTime - .seconds(1))
    await withTaskGroup(of: Void.self) { group in
      group.addTask {
        try? await Task.sleep(for: patience)
        store.endWaits()
      }
      await listeners.drainMain(within: settings.drainTime)
      group.cancelAll()
    }
  }

  private static func keySource(_ storage: StoreAssembly, _ settings: Settings) -> any KeySource {
    let source = storage.keySource(settings)
    guard case .store = settings.keys else { return source }
    return KeyCopy(source, path: settings.dataFolder + "/keys-copy.json")
  }

  /// An event loop that is later than this is stuck: the node is not alive.
  private static let stuckSeconds = 10.0

  /// Everything that can be refused before anything runs.
  private func prepare() throws(ServiceFailure) -> HTTPServerSettings {
    try DataFolderCheck.make(settings.dataFolder)
    if let name = DataFolderCheck.ephemeralFileSystem(of: settings.dataFolder) {
      guard settings.text("storage.acknowledge") != "auto" else {
        throw .misconfigured(
          "storage.acknowledge: auto: \(settings.dataFolder) is on \(name), which does not last, and this version"
            + " does not switch over by itself: set object-store, or put storage.data on a disk")
      }
      if settings.acknowledge == .journal {
        logger.warning(
          "the data folder does not last: events that are not yet uploaded go with the machine or container",
          metadata: ["folder": "\(settings.dataFolder)", "fileSystem": "\(name)"])
      }
    }
    if settings.isAnonymous { logger.warning("auth.anonymous is on: everybody may do everything") }
    var server = settings.server
    let fitting = DescriptorLimit.raise()
    if server.connections > fitting {
      logger.warning(
        "fewer file descriptors than http.limits.connections: fewer connections are taken",
        metadata: ["configured": .stringConvertible(server.connections), "used": .stringConvertible(fitting)])
      server.connections = fitting
    }
    return server
  }

  private static func loops(_ count: Int) throws(ServiceFailure) -> EventLoopGroup {
    do { return try EventLoopGroup(count: count) } catch { throw .failed("event loops cannot be started: \(error)") }
  }

  private static func start(_ store: EventStore) async throws(ServiceFailure) {
    do { try await store.start() } catch let error as ObjectStoreError {
      throw .misconfigured("storage: \(error.message)")
    } catch {
      throw .misconfigured("storage.data: \(error)")
    }
  }

  /// HUP: a bad configuration changes nothing.
  private func reload(_ keys: KeyKeeper) async {
    do {
      let (fresh, warnings) = try SettingsLoader.load(sources)
      for warning in warnings { logger.warning("\(warning)") }
      output.level = fresh.logLevel
      await keys.refresher.refresh()
      ServiceMetrics.reloaded(on: registry).set(1)
      logger.info("reloaded the API keys and log.level; other settings take effect at the next start")
    } catch {
      ServiceMetrics.reloaded(on: registry).set(0)
      logger.error(
        "the configuration is bad and the old one stays",
        metadata: ["problems": .array(error.problems.map { .string($0) })])
    }
  }
}
