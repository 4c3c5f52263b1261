// Raw memory that grows by whole slabs and never moves: the journal's bytes as they were written, shared with readers
// without copies.

/// One piece of memory, freed with its last reference. Bytes below the owner's published length are never written
/// again.
final class Slab: @unchecked Sendable {
  let base: UnsafeMutableRawPointer
  let capacity: Int

  init(capacity: Int) {
    self.capacity = capacity
    base = .allocate(byteCount: capacity, alignment: 16)
  }

  deinit { base.deallocate() }
}

/// A line in a slab.
struct SlabLine: Sendable {
  let slab: Slab
  let offset: Int
  let length: Int

  /// The bytes live as long as `slab`.
  func withBytes<Result, Failure: Error>(
    _ use: (UnsafeRawBufferPointer) throws(Failure) -> Result
  ) throws(Failure) -> Result {
    defer { withExtendedLifetime(slab) {} }
    return try use(UnsafeRawBufferPointer(start: slab.base + offset, count: length))
  }

  var bytes: [UInt8] { withBytes { [UInt8]($0) } }
}
