// `callflow version`: what a bug report needs.

import Crypto
import EventLoop
import EventStore

package enum VersionText {
  package static var text: String {
    """
    callflow \(BuildInfo.version) (\(BuildInfo.commit))
    libevent \(libeventVersion)
    \(CryptoLibrary.version)
    zstd \(zstdVersion)
    """
  }
}
