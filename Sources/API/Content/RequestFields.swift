// The few header fields that handlers ask for, found in one pass over the head: most requests have a dozen fields and
// need three.

import HTTPModel

struct RequestFields: Sendable {
  private(set) var contentType: Range<Int>?
  private(set) var contentEncoding: Range<Int>?
  private(set) var accept: Range<Int>?
  private(set) var acknowledge: Range<Int>?
  private(set) var idempotencyKey: Range<Int>?
  private(set) var ifNoneMatch: Range<Int>?
  private(set) var userAgent: Range<Int>?
  /// A CloudEvent in binary mode (`ce-specversion`).
  private(set) var isCloudEvent = false
  /// A field that must be single came twice.
  private(set) var repeated: String?
  private(set) var hasManyAccepts = false

  init(_ head: RequestHead) {
    for place in head.fields {
      switch place.nameLength {
      case 6 where head.name(at: place, is: "accept"):
        hasManyAccepts = accept != nil
        accept = accept ?? place.value
      case 10 where head.name(at: place, is: "user-agent"): userAgent = place.value
      case 11 where head.name(at: place, is: "acknowledge"): acknowledge = single(acknowledge, place, "Acknowledge")
      case 12 where head.name(at: place, is: "content-type"): contentType = single(contentType, place, "Content-Type")
      case 13 where head.name(at: place, is: "if-none-match"): ifNoneMatch = ifNoneMatch ?? place.value
      case 14 where head.name(at: place, is: "ce-specversion"): isCloudEvent = true
      case 15 where head.name(at: place, is: "idempotency-key"):
        idempotencyKey = single(idempotencyKey, place, "Idempotency-Key")
      case 16 where head.name(at: place, is: "content-encoding"):
        contentEncoding = single(contentEncoding, place, "Content-Encoding")
      default: break
      }
    }
  }

  private mutating func single(_ former: Range<Int>?, _ place: FieldPlace, _ name: String) -> Range<Int> {
    if former != nil { repeated = name }
    return place.value
  }
}
