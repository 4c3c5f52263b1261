// Comparing and making secrets.

import COpenSSL

package enum ConstantTime {
  /// Whether both are equal, in a time that depends on their lengths only.
  package static func equal(_ left: [UInt8], _ right: [UInt8]) -> Bool {
    guard left.count == right.count else { return false }
    return left.withUnsafeBytes { left in
      right.withUnsafeBytes { right in
        left.isEmpty || CRYPTO_memcmp(left.baseAddress, right.baseAddress, left.count) == 0
      }
    }
  }
}

package enum SecureRandom {
  /// Unpredictable bytes for keys and tokens. Throws rather than give weak ones.
  package static func bytes(_ count: Int) throws(CryptoError) -> [UInt8] {
    var isDone = false
    let result = [UInt8](unsafeUninitializedCapacity: count) { output, initialized in
      isDone = count == 0 || RAND_bytes(output.baseAddress, Int32(count)) == 1
      initialized = isDone ? count : 0
    }
    guard isDone else { throw .last("RAND_bytes") }
    return result
  }
}
