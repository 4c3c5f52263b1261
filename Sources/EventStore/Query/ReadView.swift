// The one pointer behind which everything that reads need stands. Publishing a segment and dropping what it replaces is
// one swap.

import Synchronization

/// What one read works on; it never changes under the read.
struct ReadView: Sendable {
  var memtables: [MemtableSnapshot]
  var segments: [Segment]
}

/// The current state of all tiers.
final class StoreView: Sendable {
  private struct State {
    /// In order of their files: the last one takes new events.
    var memtables: [Memtable] = []
    var segments: [FileIdentity: Segment] = [:]
    /// The same, as the array that reads take; rebuilt when it changes.
    var list: [Segment]?
  }

  private let state = Mutex(State())

  var current: ReadView {
    state.withLock { state in
      let list = state.list ?? Array(state.segments.values)
      state.list = list
      return ReadView(memtables: state.memtables.map(\.snapshot), segments: list)
    }
  }

  /// Only what is in memory: the look-up of a loop thread.
  var memtables: [MemtableSnapshot] { state.withLock { $0.memtables.map(\.snapshot) } }

  func segment(_ identity: FileIdentity) -> Segment? { state.withLock { $0.segments[identity] } }

  /// Segments and their bytes in one tier.
  func totals(isUploaded: Bool) -> (segments: Int, bytes: Int) {
    let segments = state.withLock { $0.segments }
    return segments.values.reduce((0, 0)) { totals, segment in
      segment.isUploaded == isUploaded ? (totals.0 + 1, totals.1 + segment.size) : totals
    }
  }

  var counts: (spool: Int, inbox: Int) { (totals(isUploaded: false).segments, totals(isUploaded: true).segments) }

  func add(_ memtable: Memtable) {
    state.withLock { $0.memtables.append(memtable) }
  }

  /// The segment takes the place of the memtable, or of the same segment in another tier.
  func publish(_ segment: Segment) {
    state.withLock { state in
      state.memtables.removeAll { $0.file == segment.identity }
      state.segments[segment.identity] = segment
      state.list = nil
    }
  }

  /// Drops a memtable that holds nothing.
  func drop(_ memtable: Memtable) {
    state.withLock { $0.memtables.removeAll { $0 === memtable } }
  }

  /// What a LIST of the inbox found. `isComplete`: it began at the first name, so uploaded segments that it does not
  /// have are gone, but for those uploaded after `listedAt`. Local ones stay: their own upload replaces them.
  func merge(listed: [Segment], isComplete: Bool, listedAt: Int64) {
    let found = Set(listed.map(\.identity))
    state.withLock { state in
      var isChanged = false
      if isComplete {
        let gone = state.segments.values.filter {
          $0.isUploaded && !found.contains($0.identity) && ($0.uploadedAt ?? 0) < listedAt
        }
        for segment in gone { state.segments[segment.identity] = nil }
        isChanged = !gone.isEmpty
      }
      let inMemory = Set(state.memtables.map(\.file))
      for segment in listed where state.segments[segment.identity] == nil && !inMemory.contains(segment.identity) {
        state.segments[segment.identity] = segment
        isChanged = true
      }
      if isChanged { state.list = nil }
    }
  }
}
