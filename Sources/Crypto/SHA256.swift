// SHA-256 (FIPS 180-4), whole or piece by piece, and the MD5 that one header of the S3 protocol still asks for.

import COpenSSL

/// A running SHA-256. Owns its OpenSSL context; used by one thread at a time.
package struct SHA256: ~Copyable {
  package static let length = 32
  private let context: OpaquePointer

  package init() throws(CryptoError) {
    let algorithm = try FetchedDigest.sha256.get()
    guard let context = EVP_MD_CTX_new() else { throw .last("EVP_MD_CTX_new") }
    guard EVP_DigestInit_ex2(context, algorithm.pointer, nil) == 1 else {
      EVP_MD_CTX_free(context)
      throw .last("EVP_DigestInit_ex2")
    }
    self.context = context
  }

  deinit { EVP_MD_CTX_free(context) }

  package mutating func update(_ bytes: UnsafeRawBufferPointer) throws(CryptoError) {
    guard EVP_DigestUpdate(context, bytes.baseAddress, bytes.count) == 1 else { throw .last("EVP_DigestUpdate") }
  }

  package mutating func update(_ bytes: [UInt8]) throws(CryptoError) {
    let isDone = bytes.withUnsafeBytes { EVP_DigestUpdate(context, $0.baseAddress, $0.count) == 1 }
    guard isDone else { throw .last("EVP_DigestUpdate") }
  }

  /// The 32 bytes of the digest. The context cannot be used after it.
  package consuming func finish() throws(CryptoError) -> [UInt8] {
    var isDone = false
    let result = [UInt8](unsafeUninitializedCapacity: Self.length) { output, count in
      var written: UInt32 = 0
      isDone = EVP_DigestFinal_ex(context, output.baseAddress, &written) == 1
      count = isDone ? Int(written) : 0
    }
    guard isDone else { throw .last("EVP_DigestFinal_ex") }
    return result
  }

  package static func hash(_ bytes: UnsafeRawBufferPointer) throws(CryptoError) -> [UInt8] {
    try digest(bytes, FetchedDigest.sha256)
  }

  package static func hash(_ bytes: [UInt8]) throws(CryptoError) -> [UInt8] {
    try bytes.withUnsafeBufferPointer { (buffer) throws(CryptoError) in
      try digest(UnsafeRawBufferPointer(buffer), FetchedDigest.sha256)
    }
  }
}

/// For `Content-MD5` only: it protects a body against accidents, never against people. Throws where the provider has no
/// MD5 (FIPS).
package enum MD5 {
  package static func hash(_ bytes: [UInt8]) throws(CryptoError) -> [UInt8] {
    try bytes.withUnsafeBufferPointer { (buffer) throws(CryptoError) in
      try digest(UnsafeRawBufferPointer(buffer), FetchedDigest.md5)
    }
  }
}
