// From a path, as it came, to a resource. Segments are split before percent-decoding, so an encoded slash never makes a
// segment; dot segments are names like others; a literal template wins over one with parameters. Paths without `%`, all
// of the hot ones, are compared byte by byte and never copied.

import HTTPModel
import HTTPTypes
import Primitives

/// All routes of one template.
package struct Resource: Sendable {
  package let template: String
  /// Indices into the router's routes.
  package let routes: [Int]
  /// The value of `Allow`.
  package let allow: String
  /// nil: a parameter.
  let segments: [[UInt8]?]
  let literal: [UInt8]

  var isLiteral: Bool { !segments.contains(nil) }
}

package struct RouteMatch: Sendable {
  package let resource: Int
  /// The parameters' values in the template's order, still encoded, as ranges of the head's bytes.
  package let parameters: [Range<Int>]
}

package struct Router: Sendable {
  package let routes: [Route]
  package let resources: [Resource]
  private let literals: [Int]
  private let templates: [Int]

  package init(_ routes: [Route]) {
    self.routes = routes
    var order: [String] = []
    for route in routes where !order.contains(route.template) { order.append(route.template) }
    resources = order.map { template in Self.resource(template, routes) }
    literals = resources.indices.filter { [resources] in resources[$0].isLiteral }
    templates = resources.indices.filter { [resources] in !resources[$0].isLiteral }
  }

  private static func resource(_ template: String, _ routes: [Route]) -> Resource {
    let own = routes.indices.filter { routes[$0].template == template }
    var methods = own.map { routes[$0].method.rawValue }
    if methods.contains("GET") { methods.append("HEAD") }
    methods.append("OPTIONS")
    let segments = template.utf8.dropFirst().split(separator: Ascii.slash, omittingEmptySubsequences: false)
    return Resource(
      template: template, routes: own, allow: methods.sorted().joined(separator: ", "),
      segments: segments.map { $0.first == Ascii.openBrace ? nil : Array($0) }, literal: Array(template.utf8))
  }

  /// nil: 404.
  package func match(_ head: RequestHead) -> RouteMatch? {
    head.bytes.withUnsafeBytes { bytes in
      let path = UnsafeRawBufferPointer(rebasing: bytes[head.path])
      if !path.contains(UInt8(ascii: "%")) {
        for index in literals where resources[index].literal.count == path.count {
          if resources[index].literal.elementsEqual(path) { return RouteMatch(resource: index, parameters: []) }
        }
      }
      return matchSegments(path, offset: head.path.lowerBound)
    }
  }

  /// The route of that method; HEAD is answered by GET's.
  package func route(_ match: RouteMatch, _ method: HTTPRequest.Method) -> Int? {
    let wanted = method == .head ? .get : method
    return resources[match.resource].routes.first { routes[$0].method == wanted }
  }

  private func matchSegments(_ path: UnsafeRawBufferPointer, offset: Int) -> RouteMatch? {
    guard let places = Self.split(path) else { return nil }
    let decoded = places.map { PercentCoding.decode(path[$0], plusIsSpace: false) ?? Array(path[$0]) }
    for index in literals + templates {
      let segments = resources[index].segments
      guard segments.count == places.count else { continue }
      var parameters: [Range<Int>] = []
      var isMatch = true
      for (position, segment) in segments.enumerated() where isMatch {
        if let segment {
          isMatch = segment == decoded[position]
        } else {
          isMatch = !places[position].isEmpty
          parameters.append(places[position].lowerBound + offset..<places[position].upperBound + offset)
        }
      }
      if isMatch { return RouteMatch(resource: index, parameters: parameters) }
    }
    return nil
  }

  /// No template is this deep: what is deeper matches none.
  private static let maxSegments = 16

  private static func split(_ path: UnsafeRawBufferPointer) -> [Range<Int>]? {
    guard path.first == Ascii.slash else { return nil }
    var places: [Range<Int>] = []
    var start = 1
    for index in 1...path.count where index == path.count || path[index] == Ascii.slash {
      guard places.count < maxSegments else { return nil }
      places.append(start..<index)
      start = index + 1
    }
    return places
  }
}
