// The look-up that never waits: one event out of what the caches hold already. For event loops, whose threads may
// neither read nor decompress, and for which a trip to another thread costs more than the answer.

import Primitives

extension SegmentReader {
  enum Resident {
    case line([UInt8])
    /// Certainly not in this segment.
    case absent
    /// Something that is needed is not in the caches.
    case unknown
  }

  /// The line of an unkeyed event.
  func resident(_ id: EventID, in segment: Segment, _ selection: Selection) -> Resident {
    guard let index = cachedIndex(segment.identity) else { return .unknown }
    guard index.mayContain(callHash: id.callHash), let entry = index.page(callHash: id.callHash) else { return .absent }
    guard let page = cachedPage(segment.identity, index, entry) else { return .unknown }
    let numbers = try? page.withRawBytes { bytes throws(SegmentDamage) in
      try index.blocks(callHash: id.callHash, page: bytes, entry: entry)
    }
    guard let numbers else { return .unknown }
    for number in numbers
    where selection.lowest <= index.lastKeyBound(number) && index.block(number).firstKey < selection.end {
      guard let block = cachedBlock(segment.identity, number) else { return .unknown }
      if let line = Self.line(of: id, in: block) { return .line(line) }
    }
    return .absent
  }

  /// By the text of the id, which stands at the same place in every line.
  private static func line(of id: EventID, in block: [UInt8]) -> [UInt8]? {
    withUnsafeTemporaryAllocation(byteCount: EventID.textLength, alignment: 1) { text in
      guard let base = text.baseAddress else { return nil }
      id.write(to: base)
      return block.withRawBytes { bytes in
        var lines = LineSplitter(bytes)
        while let line = lines.next() {
          let start = Line.eventIdPrefix.utf8CodeUnitCount
          guard line.count > start + text.count else { continue }
          if line[start..<start + text.count].elementsEqual(text) { return [UInt8](line) }
        }
        return nil
      }
    }
  }
}
