// Reads indexes and blocks of segments, from the spool or from the bucket, through one cache bounded in bytes. What
// fails its checksum is an error, never data.

import ObjectStore
import Primitives

/// A read that could not be done.
enum ReadFailure: Error {
  /// The object store does not answer.
  case unavailable(String)
  /// The segment is no longer where the view says: compacted, expired or removed by hand.
  case gone(FileIdentity)
  case damaged(FileIdentity, SegmentDamage)
}

final class SegmentReader: Sendable {
  private enum CacheKey: Hashable, Sendable {
    case index(FileIdentity)
    case page(FileIdentity, Int)
    case block(FileIdentity, Int)
  }

  private enum Cached: Sendable {
    case index(SegmentIndex)
    case bytes([UInt8])
  }

  private let disk: any Disk
  private let objects: any ObjectStore
  private let cache: ByteCache<CacheKey, Cached>
  private let metrics: StoreInstruments

  /// One read of this much of the end of a file gets the whole index of most segments.
  static let tailBytes = 128 << 10

  init(disk: any Disk, objects: any ObjectStore, memoryBytes: Int, metrics: StoreInstruments) {
    self.disk = disk
    self.objects = objects
    self.metrics = metrics
    cache = ByteCache(maxBytes: memoryBytes)
  }

  func index(of segment: Segment) async throws(ReadFailure) -> SegmentIndex {
    if case .index(let index)? = lookUp(.index(segment.identity), "index") { return index }
    var start = max(0, segment.size - Self.tailBytes)
    var tail = try await read(segment, start..<segment.size)
    do {
      let footer = try tail.withRawBytes { bytes throws(SegmentDamage) in try SegmentFooter(tail: bytes) }
      let needed = SegmentIndex.neededStart(footer)
      if needed < start {
        let rest = try await read(segment, needed..<start)
        tail = rest + tail
        start = needed
      }
      let index = try SegmentIndex(footer: footer, tail: tail, tailStart: start)
      cache.insert(.index(index), cost: index.cost, for: .index(segment.identity))
      return index
    } catch let damage as SegmentDamage {
      throw .damaged(segment.identity, damage)
    } catch let failure as ReadFailure {
      throw failure
    } catch {
      throw .unavailable("\(error)")
    }
  }

  /// Numbers of the blocks that hold lines of that call, ascending; none where the filter excludes it.
  func blocks(of segment: Segment, _ index: SegmentIndex, callHash: UInt32) async throws(ReadFailure) -> [Int] {
    guard index.mayContain(callHash: callHash), let entry = index.page(callHash: callHash) else { return [] }
    let page = try await self.page(segment, index, entry)
    do {
      return try page.withRawBytes { bytes throws(SegmentDamage) in
        try index.blocks(callHash: callHash, page: bytes, entry: entry)
      }
    } catch {
      throw .damaged(segment.identity, error)
    }
  }

  private func page(_ segment: Segment, _ index: SegmentIndex, _ entry: PageEntry) async throws(ReadFailure) -> [UInt8]
  {
    if let pages = index.pages {
      guard entry.offset + entry.length <= pages.count else {
        throw .damaged(segment.identity, .malformed("call directory"))
      }
      return [UInt8](pages[entry.offset..<entry.offset + entry.length])
    }
    if case .bytes(let page)? = lookUp(.page(segment.identity, entry.offset), "page") { return page }
    guard let section = index.footer.place(of: .pages), entry.offset + entry.length <= section.length else {
      throw .damaged(segment.identity, .malformed("call directory"))
    }
    let page = try await read(segment, section.offset + entry.offset..<section.offset + entry.offset + entry.length)
    cache.insert(.bytes(page), cost: page.count, for: .page(segment.identity, entry.offset))
    return page
  }

  /// The lines of one block, as they were before compression.
  func block(of segment: Segment, _ index: SegmentIndex, _ number: Int) async throws(ReadFailure) -> [UInt8] {
    if case .bytes(let lines)? = lookUp(.block(segment.identity, number), "block") { return lines }
    let entry = index.block(number)
    let frame = try await read(segment, entry.range)
    do {
      let lines = try Self.lines(of: frame, entry, number)
      cache.insert(.bytes(lines), cost: lines.count, for: .block(segment.identity, number))
      return lines
    } catch {
      throw .damaged(segment.identity, error)
    }
  }

  static func lines(of frame: [UInt8], _ entry: BlockEntry, _ number: Int) throws(SegmentDamage) -> [UInt8] {
    guard frame.count == entry.compressedBytes, CRC32C.checksum(frame) == entry.crc else {
      throw .checksum("block \(number)")
    }
    do {
      return try frame.withRawBytes { frame throws(ZstdError) in
        try Zstd.decompress(frame, rawCount: entry.rawBytes)
      }
    } catch {
      throw .malformed("block \(number): \(error.reason)")
    }
  }

  private func lookUp(_ key: CacheKey, _ name: String) -> Cached? {
    let found = cache[key]
    metrics.cache(name, isHit: found != nil)
    return found
  }

  private func read(_ segment: Segment, _ range: Range<Int>) async throws(ReadFailure) -> [UInt8] {
    let bytes: [UInt8]
    switch segment.location {
    case .spool(let path):
      do {
        let file = try disk.open(path)
        defer { file.close() }
        bytes = try file.read(range)
      } catch {
        // Uploaded and removed since the view was taken: the caller takes a new one.
        throw error.isMissingFile ? .gone(segment.identity) : .unavailable(error.description)
      }
    case .object(let key):
      do {
        guard let object = try await objects.get(key, range: range) else { throw ReadFailure.gone(segment.identity) }
        bytes = object.bytes
      } catch let failure as ReadFailure {
        throw failure
      } catch let error as ObjectStoreError {
        throw .unavailable(error.message)
      } catch {
        throw .unavailable("\(error)")
      }
    }
    guard bytes.count == range.count else { throw .damaged(segment.identity, .malformed("file")) }
    return bytes
  }
}
