import Foundation
import Testing

#if canImport(FoundationXML)
    import FoundationXML
#endif

/// A page read by a strict XML parser, for tests that ask what it contains.
struct ParsedPage {
    /// An opening tag with the text directly inside the element.
    struct Element {
        let name: String
        let attributes: [String: String]
        var text = ""
    }

    let elements: [Element]

    /// Parses `text`; a page that is not well-formed fails the test at the caller's line.
    init(_ text: String, sourceLocation: SourceLocation = #_sourceLocation) throws {
        let parser = XMLParser(data: Data(text.utf8))
        let collector = Collector()
        parser.delegate = collector
        let isWellFormed = parser.parse()
        try #require(
            isWellFormed,
            "line \(parser.lineNumber): \(String(describing: parser.parserError))",
            sourceLocation: sourceLocation
        )
        elements = collector.elements
    }

    subscript(name: String) -> [Element] {
        elements.filter { $0.name == name }
    }

    /// The texts of all elements called `name`.
    func texts(_ name: String) -> [String] {
        self[name].map(\.text)
    }

    /// The elements called `name` that have the style class `style`.
    func elements(_ name: String, style: String) -> [Element] {
        self[name].filter {
            ($0.attributes["class"] ?? "").split(separator: " ").contains { $0 == style }
        }
    }

    private final class Collector: NSObject, XMLParserDelegate {
        var elements: [Element] = []
        private var open: [Int] = []

        func parser(
            _ parser: XMLParser,
            didStartElement elementName: String,
            namespaceURI: String?,
            qualifiedName: String?,
            attributes: [String: String]
        ) {
            open.append(elements.count)
            elements.append(Element(name: elementName, attributes: attributes))
        }

        func parser(
            _ parser: XMLParser,
            didEndElement elementName: String,
            namespaceURI: String?,
            qualifiedName: String?
        ) {
            open.removeLast()
        }

        func parser(_ parser: XMLParser, foundCharacters string: String) {
            if let last = open.last { elements[last].text += string }
        }
    }
}
