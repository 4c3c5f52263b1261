// A whole reply as a tree: replies are small and their size is bounded before they come here.

struct XMLElement {
  static let maxElements = 50_000
  let name: String
  /// The element's own text, white space included.
  private(set) var text = ""
  private(set) var children: [XMLElement] = []

  private init(name: String) { self.name = name }

  /// The root element.
  init(parsing bytes: [UInt8]) throws(XMLReader.Malformed) {
    var reader = try XMLReader(bytes)
    var open: [XMLElement] = []
    var root: XMLElement?
    var count = 0
    while let event = try reader.next() {
      switch event {
      case .start(let name):
        count += 1
        guard count <= Self.maxElements else {
          throw .init(reason: "more than \(Self.maxElements) elements", offset: 0)
        }
        open.append(XMLElement(name: name))
      case .text(let text):
        if !open.isEmpty { open[open.count - 1].text += text }
      case .end:
        guard let closed = open.popLast() else { break }
        if open.isEmpty { root = closed } else { open[open.count - 1].children.append(closed) }
      }
    }
    guard let root else { throw .init(reason: "no element", offset: 0) }
    self = root
  }

  subscript(name: String) -> String? { children.first { $0.name == name }?.text }
}
