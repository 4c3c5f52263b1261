// The object store that the settings name, with its decorators: retries around metrics around the store itself, so
// that each try is counted and timed.

import API
import Auth
import EventLoop
import HTTPTransport
import ObjectStore
import Observability
import Primitives
import S3

package struct StoreAssembly: Sendable {
  package let objects: any ObjectStore
  /// The bucket's client; nil for a folder.
  private let client: PooledHTTPClient?

  /// Throws `.misconfigured` where a folder cannot be written or the client's authorities cannot be read. Asks no
  /// endpoint.
  package init(
    settings: Settings, group: EventLoopGroup, registry: MetricRegistry, clock: any Clock, random: any RandomSource
  ) async throws(ServiceFailure) {
    let executor = BlockingExecutor(threads: 2, name: "objects")
    let metrics = StoreMetrics(registry: registry)
    let base: any ObjectStore
    do {
      switch settings.store {
      case .folder(let path):
        try DataFolderCheck.make(path)
        client = nil
        base = try await DirectoryObjectStore(root: path, executor: executor, clock: clock, random: random)
      case .s3:
        let client = try PooledHTTPClient(group: group, settings: settings.client, clock: clock)
        self.client = client
        base = S3ObjectStore(
          settings: try settings.s3(), client: client, credentials: settings.credentials, executor: executor,
          clock: clock)
      }
    } catch let error as ServiceFailure {
      throw error
    } catch let error as ObjectStoreError {
      throw .misconfigured("storage: \(error.message)")
    } catch {
      throw .misconfigured("storage.s3: \(error)")
    }
    let metered = MeteredObjectStore(base, metrics: metrics, clock: clock)
    objects = RetryingObjectStore(metered, metrics: metrics, executor: executor, clock: clock, random: random)
  }

  package func shutDown() async { await client?.shutDown() }

  /// Where the settings keep API keys.
  package func keySource(_ settings: Settings) -> any KeySource {
    switch settings.keys {
    case .store: StoreKeySource(StoreKeyObject(objects))
    case .file(let path): FileKeySource(path: path)
    }
  }
}
