// The one seam to libzstd. Contexts are kept: making one costs more than a block.

import CZstd
import Synchronization

/// Frames that libzstd refuses, or that are longer than they may be.
struct ZstdError: Error, Equatable {
  var reason: String
}

/// Compresses blocks, one frame each, with content size and checksum. One thread at a time.
final class ZstdCompressor {
  private let context: OpaquePointer
  private var room: [UInt8] = []

  /// Level 1 gives 5.8 to 1 on telephony events at twice the speed of level 3, which gives no more (PERFORMANCE.md).
  static let level: Int32 = 1

  init() throws(ZstdError) {
    guard let context = ZSTD_createCCtx() else { throw ZstdError(reason: "out of memory") }
    self.context = context
    ZSTD_CCtx_setParameter(context, ZSTD_c_compressionLevel, Self.level)
    ZSTD_CCtx_setParameter(context, ZSTD_c_checksumFlag, 1)
  }

  deinit { ZSTD_freeCCtx(context) }

  /// Appends one frame and returns its length.
  func append(_ block: UnsafeRawBufferPointer, to output: inout [UInt8]) throws(ZstdError) -> Int {
    let bound = ZSTD_compressBound(block.count)
    if room.count < bound { room = [UInt8](repeating: 0, count: bound) }
    let written = room.withUnsafeMutableBytes { room in
      ZSTD_compress2(context, room.baseAddress, room.count, block.baseAddress, block.count)
    }
    guard ZSTD_isError(written) == 0 else { throw ZstdError(reason: String(cString: ZSTD_getErrorName(written))) }
    output.append(contentsOf: room[..<written])
    return written
  }
}

enum Zstd {
  private final class Context: @unchecked Sendable {
    let pointer: OpaquePointer

    init?() {
      guard let pointer = ZSTD_createDCtx() else { return nil }
      self.pointer = pointer
    }

    deinit { ZSTD_freeDCtx(pointer) }
  }

  private static let idle = Mutex<[Context]>([])
  private static let idleLimit = 16

  /// The contents of one frame that holds exactly `rawCount` bytes.
  static func decompress(_ frame: UnsafeRawBufferPointer, rawCount: Int) throws(ZstdError) -> [UInt8] {
    guard let context = idle.withLock({ $0.popLast() }) ?? Context() else { throw ZstdError(reason: "out of memory") }
    defer { idle.withLock { if $0.count < idleLimit { $0.append(context) } } }
    var result = 0
    let bytes = [UInt8](unsafeUninitializedCapacity: rawCount) { buffer, filled in
      result = ZSTD_decompressDCtx(context.pointer, buffer.baseAddress, rawCount, frame.baseAddress, frame.count)
      filled = ZSTD_isError(result) == 0 ? result : 0
    }
    guard ZSTD_isError(result) == 0 else { throw ZstdError(reason: String(cString: ZSTD_getErrorName(result))) }
    guard bytes.count == rawCount else { throw ZstdError(reason: "frame is shorter than the index says") }
    return bytes
  }

  /// libzstd's version, such as 1.5.4.
  static var version: String { String(cString: ZSTD_versionString()) }
}

/// For `callflow version`.
package var zstdVersion: String { Zstd.version }
