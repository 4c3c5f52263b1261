// TLS for outgoing connections over OpenSSL: TLS 1.2 or later, the peer's certificate chain and name always checked.

import CLibevent
import COpenSSL

package struct TLSError: Error, Sendable, Equatable {
  package let reason: String

  package init(_ reason: String) { self.reason = reason }

  /// The oldest error in this thread's OpenSSL queue, which is emptied.
  static func last(_ doing: String) -> TLSError {
    let code = ERR_get_error()
    ERR_clear_error()
    return TLSError(code == 0 ? doing : "\(doing): \(text(code))")
  }

  static func text(_ code: UInt) -> String {
    withUnsafeTemporaryAllocation(of: CChar.self, capacity: 256) { buffer in
      guard let start = buffer.baseAddress else { return "" }
      ERR_error_string_n(code, start, buffer.count)
      return String(cString: start)
    }
  }
}

/// Settings and trust of all TLS sessions of one client. May be used from every thread.
package final class TLSClientContext: @unchecked Sendable {
  private let context: OpaquePointer

  /// Trusts the PEM authorities in `caFile`, or those of the system (`SSL_CERT_FILE` and `SSL_CERT_DIR` included).
  package init(caFile: String? = nil) throws(TLSError) {
    guard let context = SSL_CTX_new(TLS_client_method()) else { throw .last("TLS context") }
    self.context = context
    SSL_CTX_ctrl(context, SSL_CTRL_SET_MIN_PROTO_VERSION, Int(TLS1_2_VERSION), nil)
    SSL_CTX_set_options(context, TLSOption.noRenegotiation | TLSOption.noCompression)
    SSL_CTX_clear_options(context, TLSOption.ignoreUnexpectedEOF)
    // libevent may write again from another address and takes partial writes; idle sessions keep no buffers.
    let modes = SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER
    SSL_CTX_ctrl(context, SSL_CTRL_MODE, Int(modes), nil)
    SSL_CTX_set_verify(context, SSL_VERIFY_PEER, nil)
    if let caFile {
      guard SSL_CTX_load_verify_file(context, caFile) == 1 else {
        throw .last("cannot read authorities from \(caFile)")
      }
    } else {
      guard SSL_CTX_set_default_verify_paths(context) == 1 else { throw .last("cannot find the system's authorities") }
    }
  }

  deinit { SSL_CTX_free(context) }

  /// Wildcards only as whole labels, and no look at the subject's common name (RFC 9525).
  private static let hostFlags = UInt32(X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS | X509_CHECK_FLAG_NEVER_CHECK_SUBJECT)

  /// A session for one connection to `host`, a name or a numeric address: that is what the certificate must name.
  package func session(host: String) throws(TLSError) -> TLSSession {
    guard let session = SSL_new(context) else { throw .last("TLS session") }
    let parameters = SSL_get0_param(session)
    var isSet: Int32
    if SocketAddress(numericHost: host, port: 0) != nil {
      isSet = X509_VERIFY_PARAM_set1_ip_asc(parameters, host)
    } else {
      X509_VERIFY_PARAM_set_hostflags(parameters, Self.hostFlags)
      isSet = X509_VERIFY_PARAM_set1_host(parameters, host, 0)
      // Server name indication (RFC 6066, 3), for names only. The C macro takes a mutable pointer and copies from it.
      let didName = host.withCString { name in
        SSL_ctrl(
          session, SSL_CTRL_SET_TLSEXT_HOSTNAME, Int(TLSEXT_NAMETYPE_host_name), UnsafeMutableRawPointer(mutating: name)
        )
      }
      isSet = didName == 1 ? isSet : 0
    }
    guard isSet == 1 else {
      SSL_free(session)
      throw .last("TLS name \(host)")
    }
    return TLSSession(session, isServer: false)
  }
}

/// One TLS session. It belongs to its connection's bufferevent from `handOver` on, which frees it with itself.
package final class TLSSession {
  let isServer: Bool
  private let session: OpaquePointer
  private var isHandedOver = false

  fileprivate init(_ session: OpaquePointer, isServer: Bool) {
    self.session = session
    self.isServer = isServer
  }

  deinit { if !isHandedOver { SSL_free(session) } }

  func handOver() -> OpaquePointer {
    isHandedOver = true
    return session
  }

  /// Sends close_notify. Only while the connection is open.
  func shutDown() { SSL_shutdown(session) }

  private static let finalReasons: Set<Int32> = [
    SSL_R_WRONG_VERSION_NUMBER, SSL_R_UNSUPPORTED_PROTOCOL, SSL_R_NO_PROTOCOLS_AVAILABLE, SSL_R_NO_SHARED_CIPHER,
    SSL_R_NO_CIPHERS_AVAILABLE, SSL_R_TLSV1_ALERT_PROTOCOL_VERSION, SSL_R_SSLV3_ALERT_HANDSHAKE_FAILURE,
    SSL_R_HTTP_REQUEST, SSL_R_HTTPS_PROXY_REQUEST, SSL_R_PACKET_LENGTH_TOO_LONG,
  ]

  /// Why the session failed, in the words of the certificate check where that was it. Only while the connection is
  /// open.
  func failure(_ code: UInt, _ systemCode: Int32) -> ConnectionEnd {
    let verification = SSL_get_verify_result(session)
    if verification != Int(X509_V_OK), let text = X509_verify_cert_error_string(verification) {
      return .untrusted("certificate refused: \(String(cString: text))")
    }
    if code == 0 { return .failed(systemCode == 0 ? "closed without close_notify" : SystemError.text(systemCode)) }
    let reason = ERR_GET_REASON(code)
    if reason == SSL_R_UNEXPECTED_EOF_WHILE_READING { return .failed("closed without close_notify") }
    // What a server that restarts or is overloaded says is worth another try; what both sides can never agree on is
    // not.
    let isFinal = Self.finalReasons.contains(reason)
    return isFinal ? .untrusted(TLSError.text(code)) : .failed(TLSError.text(code))
  }
}

/// OpenSSL 3.0 `ssl.h` writes these as calls of a macro, which Swift does not import.
private enum TLSOption {
  /// SSL_OP_IGNORE_UNEXPECTED_EOF
  static let ignoreUnexpectedEOF: UInt64 = 1 << 7
  /// SSL_OP_NO_COMPRESSION
  static let noCompression: UInt64 = 1 << 17
  /// SSL_OP_NO_RENEGOTIATION
  static let noRenegotiation: UInt64 = 1 << 30
}
