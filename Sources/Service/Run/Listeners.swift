// The two servers of a node: the API on http.listen, metrics and health on admin.listen.

import API
import EventLoop
import HTTPTransport
import Logging
import Primitives
import Synchronization

final class Listeners: Sendable {
  private let main: HTTPServer
  private let admin: HTTPServer
  private let settings: Settings
  private let bound = Mutex<(main: [SocketAddress], admin: SocketAddress?)>(([], nil))

  /// Connections of the admin listener: scrapers and probes.
  private static let adminConnections = 100
  private static let adminDrainTime = Duration.seconds(1)

  init(
    group: EventLoopGroup, settings: Settings, server: HTTPServerSettings, parts: APIParts, random: any RandomSource,
    logger: Logger
  ) {
    self.settings = settings
    let onShortage: @Sendable (String) -> Void = { reason in
      logger.error("no connection can be accepted", metadata: ["reason": "\(reason)"])
    }
    let api = APIHandler(settings: settings.api, parts: parts)
    main = HTTPServer(
      group: group, handler: api, observer: AccessLog(router: api.router, registry: parts.registry, output: parts.log),
      settings: server, clock: parts.clock, random: random, onShortage: onShortage)
    var small = server
    small.connections = Self.adminConnections
    admin = HTTPServer(
      group: group, handler: AdminHandler(parts: parts), settings: small, clock: parts.clock, random: random,
      onShortage: onShortage)
  }

  var servers: [HTTPServer] { [main, admin] }

  func listenMain() async throws(ServiceFailure) {
    for address in settings.listenAddresses {
      let real = try await listen(main, address, "http.listen")
      bound.withLock { $0.main.append(real) }
    }
  }

  /// First, so that probes see a node that starts.
  func listenAdmin() async throws(ServiceFailure) {
    guard let address = settings.adminAddress else { return }
    let real = try await listen(admin, address, "admin.listen")
    bound.withLock { $0.admin = real }
  }

  private func listen(
    _ server: HTTPServer, _ address: SocketAddress, _ key: String
  ) async throws(ServiceFailure) -> SocketAddress {
    do { return try await server.listen(on: address) } catch {
      throw .failed("\(key): cannot listen on \(address): \(error)")
    }
  }

  var metadata: Logger.Metadata {
    let (main, admin) = bound.withLock { $0 }
    return [
      "http": .string(main.map(\.description).joined(separator: ",")), "admin": .string(admin?.description ?? ""),
      "store": .string(settings.text("storage.url") ?? "file:\(settings.dataFolder)/store"),
      "version": .string(BuildInfo.version), "threads": .stringConvertible(settings.threads),
    ]
  }

  func drainMain(within limit: Duration) async { await main.drain(within: limit) }

  func drainAdmin() async { await admin.drain(within: Self.adminDrainTime) }
}
