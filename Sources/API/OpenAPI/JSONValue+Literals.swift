// Lets the document's constant parts be written as Swift literals.

import Primitives

extension JSONValue: ExpressibleByStringLiteral, ExpressibleByStringInterpolation, ExpressibleByIntegerLiteral,
  ExpressibleByBooleanLiteral, ExpressibleByNilLiteral, ExpressibleByArrayLiteral, ExpressibleByDictionaryLiteral
{
  package init(stringLiteral value: String) { self = .string(value) }
  package init(integerLiteral value: Int) { self = .number(String(value)) }
  package init(booleanLiteral value: Bool) { self = .bool(value) }
  package init(nilLiteral: ()) { self = .null }
  package init(arrayLiteral elements: JSONValue...) { self = .array(elements) }
  package init(dictionaryLiteral elements: (String, JSONValue)...) { self = .object(elements) }
}

extension JSONValue {
  static func integer(_ value: Int) -> JSONValue { .number(String(value)) }

  static func reference(_ kind: String, _ name: String) -> JSONValue { ["$ref": "#/components/\(kind)/\(name)"] }

  static func schema(_ name: String) -> JSONValue { reference("schemas", name) }
}
