// HMAC with SHA-256 (RFC 2104, RFC 4231 for test vectors). A context that knows its digest already is prepared once and
// copied for each use: setting the digest by name costs a provider look-up, a copy does not.

import COpenSSL

package enum HMACSHA256 {
  package static let length = 32

  /// A context without a key, never used itself.
  private final class Template: @unchecked Sendable {
    // Only read (EVP_MAC_CTX_dup) after init.
    let context: OpaquePointer

    private init(context: OpaquePointer) { self.context = context }

    deinit { EVP_MAC_CTX_free(context) }

    static let shared: Result<Template, CryptoError> = make()

    private static func make() -> Result<Template, CryptoError> {
      guard let algorithm = EVP_MAC_fetch(nil, "HMAC", nil) else { return .failure(.last("EVP_MAC_fetch HMAC")) }
      // The context keeps its own reference.
      defer { EVP_MAC_free(algorithm) }
      guard let context = EVP_MAC_CTX_new(algorithm) else { return .failure(.last("EVP_MAC_CTX_new")) }
      var name = Array("SHA256".utf8CString)
      let isSet = name.withUnsafeMutableBufferPointer { name in
        let parameters = [
          OSSL_PARAM_construct_utf8_string("digest", name.baseAddress, 0), OSSL_PARAM_construct_end(),
        ]
        return EVP_MAC_CTX_set_params(context, parameters) == 1
      }
      guard isSet else {
        EVP_MAC_CTX_free(context)
        return .failure(.last("EVP_MAC_CTX_set_params"))
      }
      return .success(Template(context: context))
    }
  }

  /// The 32 bytes of the code. The key may have any length, also none.
  package static func authenticate(_ message: [UInt8], key: [UInt8]) throws(CryptoError) -> [UInt8] {
    guard let context = EVP_MAC_CTX_dup(try Template.shared.get().context) else { throw .last("EVP_MAC_CTX_dup") }
    defer { EVP_MAC_CTX_free(context) }
    var isDone = initialise(context, key)
    isDone = isDone && message.withUnsafeBufferPointer { EVP_MAC_update(context, $0.baseAddress, $0.count) == 1 }
    guard isDone else { throw .last("EVP_MAC_update") }
    let result = [UInt8](unsafeUninitializedCapacity: length) { output, count in
      isDone = EVP_MAC_final(context, output.baseAddress, &count, length) == 1
    }
    guard isDone, result.count == length else { throw .last("EVP_MAC_final") }
    return result
  }

  private static func initialise(_ context: OpaquePointer, _ key: [UInt8]) -> Bool {
    // A null key means "keep the old one", so an empty key must still have an address.
    guard !key.isEmpty else {
      var none: UInt8 = 0
      return EVP_MAC_init(context, &none, 0, nil) == 1
    }
    return key.withUnsafeBufferPointer { EVP_MAC_init(context, $0.baseAddress, $0.count, nil) == 1 }
  }
}
