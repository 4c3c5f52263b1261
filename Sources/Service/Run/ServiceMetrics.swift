// Metrics of the process as a whole; each part registers its own.

import API
import Auth
import EventLoop
import EventStore
import HTTPTransport
import Observability
import Primitives

enum ServiceMetrics {
  static func register(
    on registry: MetricRegistry, settings: Settings, group: EventLoopGroup, store: EventStore, readiness: Readiness,
    authorizer: Authorizer, clock: any Clock, servers: [HTTPServer]
  ) {
    ProcessMetrics.register(on: registry)
    registry.gauge(
      "callflow_build_info", "Always 1; the labels say what runs.",
      [("version", BuildInfo.version), ("commit", BuildInfo.commit)]
    ).set(1)
    registry.reading("callflow_ready", "1 while the node takes requests.") {
      HealthStatus(store.health, knowsKeys: authorizer.knowsKeys, readiness: readiness).isReady ? 1 : 0
    }
    registry.reading("callflow_key_expiry_timestamp_seconds", "When the next API key ends; 0 where none does.") {
      Double(authorizer.keys?.nextExpiry(after: clock.wallNanoseconds()) ?? 0) / 1e9
    }
    registry.reading("callflow_event_loop_lag_seconds", "How late the slowest event loop is.") { group.lagSeconds }
    registry.reading("callflow_http_connections", "Open connections of all listeners.") {
      Double(servers.reduce(0) { $0 + $1.openConnections })
    }
    let folder = settings.dataFolder
    registry.reading("callflow_disk_free_bytes", "Free bytes on the disk of storage.data.") {
      DataFolderCheck.freeBytes(of: folder) ?? 0
    }
    registry.gauge("callflow_data_ephemeral", "1 where storage.data goes with the machine or the container.")
      .set(DataFolderCheck.ephemeralFileSystem(of: folder) == nil ? 0 : 1)
    reloaded(on: registry).set(1)
  }

  static func reloaded(on registry: MetricRegistry) -> Gauge {
    registry.gauge("callflow_config_last_reload_successful", "0 where the last HUP found a bad configuration.")
  }
}
