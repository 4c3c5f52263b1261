// Names for the ASCII codes that the readers and writers here compare with.

package enum Ascii {
  package static let space: UInt8 = 0x20
  package static let quote: UInt8 = 0x22
  package static let plus: UInt8 = 0x2B
  package static let comma: UInt8 = 0x2C
  package static let minus: UInt8 = 0x2D
  package static let dot: UInt8 = 0x2E
  package static let slash: UInt8 = 0x2F
  package static let zero: UInt8 = 0x30
  package static let nine: UInt8 = 0x39
  package static let colon: UInt8 = 0x3A
  package static let openBracket: UInt8 = 0x5B
  package static let backslash: UInt8 = 0x5C
  package static let closeBracket: UInt8 = 0x5D
  package static let lowerB: UInt8 = 0x62
  package static let lowerE: UInt8 = 0x65
  package static let lowerF: UInt8 = 0x66
  package static let lowerN: UInt8 = 0x6E
  package static let lowerR: UInt8 = 0x72
  package static let lowerT: UInt8 = 0x74
  package static let lowerU: UInt8 = 0x75
  package static let upperT: UInt8 = 0x54
  package static let upperZ: UInt8 = 0x5A
  package static let openBrace: UInt8 = 0x7B
  package static let closeBrace: UInt8 = 0x7D
}
