// A request on its way through a handler: what routing and authorization found out about it.

import Auth
import HTTPModel

package struct RequestContext: Sendable {
  let request: Request
  let route: Route
  let fields: RequestFields
  /// Values of the template's parameters, still encoded, as ranges of the head's bytes.
  let parameters: [Range<Int>]
  /// nil on routes that ask for no credential.
  let principal: Principal?
  /// Monotonic nanoseconds when the handler began.
  let started: Int64

  var head: RequestHead { request.head }
}
