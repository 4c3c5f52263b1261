// The bounds and the strictness of the XML reader: replies are hostile input (FAULTS 12).

import Testing

@testable import S3

@Suite struct XMLReaderTests {
  private func events(_ text: String) throws -> [XMLReader.Event] {
    var reader = try XMLReader(Array(text.utf8))
    var events: [XMLReader.Event] = []
    while let event = try reader.next() { events.append(event) }
    return events
  }

  @Test func reader_GivesElementsAndText_OfAReply() throws {
    let text = """
      \u{FEFF}<?xml version="1.0" encoding="UTF-8"?>
      <!-- from a store -->
      <s3:Error xmlns:s3='http://s3.amazonaws.com/doc/' a = "x>y"><Code>Slow&amp;Down</Code><Empty/>\
      <M><![CDATA[a<b]]>&#65;&#x42;</M></s3:Error>
      """
    #expect(
      try events(text) == [
        .start("Error"), .start("Code"), .text("Slow&Down"), .end("Code"), .start("Empty"), .end("Empty"), .start("M"),
        .text("a<b"), .text("AB"), .end("M"), .end("Error"),
      ])
  }

  @Test(arguments: [
    "", "   ", "text", "<a>", "<a></b>", "</a>", "<a/><b/>", "<a/>text", "text<a/>", "<a", "<a b></a>", "<a b=c/>",
    "<a b='<'/>", "<a>&unknown;</a>", "<a>&amp</a>", "<a>&#0;</a>", "<a>&#xD800;</a>", "<a>&#x110000;</a>",
    "<a>&#-65;</a>",
    "<a>\u{1}</a>", "<!-- only -->", "<a><!-- open</a>", "<a><![CDATA[ open</a>", "<1/>", "< a/>", "<a></a", "<a/ >",
    "<!DOCTYPE a><a/>", "<a><!ENTITY b 'c'></a>",
  ])
  func reader_Refuses_WhatIsNotWellFormed(_ text: String) {
    #expect(throws: XMLReader.Malformed.self) { try events(text) }
  }

  @Test func reader_RefusesAnXMLBomb_BeforeExpandingAnything() {
    var bomb = "<?xml version=\"1.0\"?><!DOCTYPE lolz [<!ENTITY lol \"lol\">"
    for level in 1...9 {
      let previous = level == 1 ? "lol" : "lol\(level - 1)"
      bomb += "<!ENTITY lol\(level) \"" + String(repeating: "&\(previous);", count: 10) + "\">"
    }
    bomb += "]><lolz>&lol9;</lolz>"
    #expect(throws: XMLReader.Malformed.self) { try events(bomb) }
  }

  @Test func reader_RefusesDepth_AboveItsBound() throws {
    func nested(_ depth: Int) -> String {
      String(repeating: "<a>", count: depth) + String(repeating: "</a>", count: depth)
    }
    #expect(try events(nested(XMLReader.maxDepth)).count == 2 * XMLReader.maxDepth)
    #expect(throws: XMLReader.Malformed.self) { try events(nested(XMLReader.maxDepth + 1)) }
  }

  @Test func reader_RefusesBytes_ThatAreNotUTF8() {
    #expect(throws: XMLReader.Malformed.self) { try XMLReader([0x3C, 0x61, 0x3E, 0xFF, 0x3C, 0x2F, 0x61, 0x3E]) }
  }

  @Test func element_RefusesMoreElements_ThanAReplyCanHave() {
    let many = "<a>" + String(repeating: "<b/>", count: XMLElement.maxElements) + "</a>"
    #expect(throws: XMLReader.Malformed.self) { try XMLElement(parsing: Array(many.utf8)) }
  }

  @Test func reader_NeverCrashes_OnAnyCutOfADocument() throws {
    let whole = Array("<?xml version='1.0'?><a b=\"c\"><!--x--><d>&lt;&#x41;</d><![CDATA[]]]]><e/></a>".utf8)
    _ = try XMLElement(parsing: whole)
    for end in 0..<whole.count {
      #expect(throws: XMLReader.Malformed.self) { try XMLElement(parsing: Array(whole[..<end])) }
    }
  }
}
