// What is common to all of Crypto: the error, the library's version, and the algorithms, fetched once. OpenSSL 3 looks
// an algorithm up in its providers on every use of the older names (EVP_sha256), under a lock; an explicit fetch does
// it once.

import COpenSSL

package enum CryptoError: Error, Sendable, Equatable {
  /// OpenSSL refused or could not allocate. `operation` is the EVP call, `reason` the library's own words.
  case failed(operation: String, reason: String)

  /// The oldest reason of this thread's error queue; the queue is emptied, so that it never explains a later failure.
  static func last(_ operation: String) -> CryptoError {
    let code = ERR_get_error()
    ERR_clear_error()
    guard code != 0, let text = ERR_reason_error_string(code) else {
      return .failed(operation: operation, reason: "no reason given")
    }
    return .failed(operation: operation, reason: String(cString: text))
  }
}

package enum CryptoLibrary {
  /// The library loaded at run time, for example `OpenSSL 3.0.19 27 Jan 2026`.
  package static let version: String = OpenSSL_version(OPENSSL_VERSION).map { String(cString: $0) } ?? "OpenSSL"
}

/// A digest algorithm out of a provider. The three here live as long as the process.
final class FetchedDigest: @unchecked Sendable {
  // EVP_MD is immutable after the fetch and may be used by all threads at once (crypto(7)).
  let pointer: OpaquePointer
  let length: Int

  private init(pointer: OpaquePointer) {
    self.pointer = pointer
    length = Int(EVP_MD_get_size(pointer))
  }

  deinit { EVP_MD_free(pointer) }

  private static func fetch(_ name: String) -> Result<FetchedDigest, CryptoError> {
    guard let pointer = EVP_MD_fetch(nil, name, nil) else { return .failure(.last("EVP_MD_fetch \(name)")) }
    return .success(FetchedDigest(pointer: pointer))
  }

  static let sha256 = fetch("SHA256")
  static let md5 = fetch("MD5")
}

/// The digest of `bytes` in one call.
func digest(
  _ bytes: UnsafeRawBufferPointer, _ algorithm: Result<FetchedDigest, CryptoError>
) throws(CryptoError) -> [UInt8] {
  let algorithm = try algorithm.get()
  var isDone = false
  let result = [UInt8](unsafeUninitializedCapacity: algorithm.length) { output, count in
    var written: UInt32 = 0
    isDone = EVP_Digest(bytes.baseAddress, bytes.count, output.baseAddress, &written, algorithm.pointer, nil) == 1
    count = isDone ? Int(written) : 0
  }
  guard isDone else { throw .last("EVP_Digest") }
  return result
}
