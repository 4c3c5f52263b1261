// The field names of S3 that swift-http-types does not know.

import HTTPTypes

extension HTTPField.Name {
  /// A name from this source code; a mistyped one is a mistake of the program.
  static func literal(_ text: String) -> HTTPField.Name {
    guard let name = HTTPField.Name(text) else { preconditionFailure("\(text) is no field name") }
    return name
  }

  static let bucketRegion = literal("x-amz-bucket-region")
  static let contentMD5 = literal("Content-MD5")
  static let checksumCRC32C = literal("x-amz-checksum-crc32c")
  static let checksumMode = literal("x-amz-checksum-mode")
  static let encryption = literal("x-amz-server-side-encryption")
  static let encryptionKeyID = literal("x-amz-server-side-encryption-aws-kms-key-id")
}
