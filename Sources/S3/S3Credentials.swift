// Who signs, and where that is known from. The whole chain of sources (files, roles, metadata services) stands behind
// the same one-method protocol.

import ObjectStore

/// A secret: its descriptions show the key's id only.
package struct S3Credentials: Sendable, Equatable, CustomStringConvertible, CustomReflectable {
  package let accessKeyID: String
  package let secretAccessKey: String
  /// Of temporary credentials.
  package let sessionToken: String?

  package init(accessKeyID: String, secretAccessKey: String, sessionToken: String? = nil) {
    self.accessKeyID = accessKeyID
    self.secretAccessKey = secretAccessKey
    self.sessionToken = sessionToken
  }

  package var description: String { "credentials \(accessKeyID)" }
  package var customMirror: Mirror { Mirror(self, children: ["accessKeyID": accessKeyID]) }
}

package protocol CredentialsProvider: Sendable {
  /// Credentials that are valid now; nil where this source has none. Asked before every request: implementations keep
  /// what they found. Throws `.misconfigured` for a source that is there and broken, `.unavailable` for one that does
  /// not answer.
  func credentials() async throws(ObjectStoreError) -> S3Credentials?
}

/// Credentials out of the settings.
package struct StaticCredentials: CredentialsProvider {
  private let value: S3Credentials

  package init(_ value: S3Credentials) { self.value = value }

  package func credentials() async throws(ObjectStoreError) -> S3Credentials? { value }
}

/// `AWS_ACCESS_KEY_ID`, `AWS_SECRET_ACCESS_KEY` and `AWS_SESSION_TOKEN`.
package struct EnvironmentCredentials: CredentialsProvider {
  private let found: Result<S3Credentials?, ObjectStoreError>

  package init(environment: [String: String]) {
    let id = environment["AWS_ACCESS_KEY_ID"] ?? ""
    let secret = environment["AWS_SECRET_ACCESS_KEY"] ?? ""
    let token = environment["AWS_SESSION_TOKEN"].flatMap { $0.isEmpty ? nil : $0 }
    if id.isEmpty, secret.isEmpty {
      found = .success(nil)
    } else if id.isEmpty || secret.isEmpty {
      found = .failure(.misconfigured("of AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY only one is set"))
    } else {
      found = .success(S3Credentials(accessKeyID: id, secretAccessKey: secret, sessionToken: token))
    }
  }

  package func credentials() async throws(ObjectStoreError) -> S3Credentials? { try found.get() }
}

/// The first source that has credentials.
package struct CredentialsChain: CredentialsProvider {
  private let sources: [any CredentialsProvider]

  package init(_ sources: [any CredentialsProvider]) { self.sources = sources }

  package func credentials() async throws(ObjectStoreError) -> S3Credentials? {
    for source in sources {
      if let found = try await source.credentials() { return found }
    }
    return nil
  }
}
