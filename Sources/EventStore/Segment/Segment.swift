// One segment as the view knows it: what its name says and where its bytes are. The index is somebody else's
// (SegmentReader's cache).

/// A segment in the spool or in the bucket.
final class Segment: Sendable {
  enum Location: Sendable, Equatable {
    case spool(path: String)
    case object(key: String)
  }

  let identity: FileIdentity
  let location: Location
  /// Instants of all lines are within; nanoseconds since 1970.
  let range: ClosedRange<Int64>
  let count: Int
  /// Bytes of the file.
  let size: Int
  /// Nanoseconds since 1970, where it is in the bucket.
  let uploadedAt: Int64?

  init(
    identity: FileIdentity, location: Location, range: ClosedRange<Int64>, count: Int, size: Int, uploadedAt: Int64?
  ) {
    self.identity = identity
    self.location = location
    self.range = range
    self.count = count
    self.size = size
    self.uploadedAt = uploadedAt
  }

  var isUploaded: Bool {
    if case .object = location { return true }
    return false
  }
}
