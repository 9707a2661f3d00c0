/// A piece of an XHTML or SVG document.
///
/// Pages are built as trees and rendered once, so that every tag is closed and every text is
/// escaped by construction: the only way around escaping takes a `StaticString`, which no data can
/// reach. The output is both valid HTML and well-formed XML.
package enum Markup: Sendable {
    case text(String)
    case verbatim(StaticString)
    case element(String, attributes: [(name: String, value: String)], children: [Markup])

    /// An element with attributes in the order given and the children that `children` lists.
    package init(
        _ name: String,
        _ attributes: KeyValuePairs<String, String> = [:],
        @MarkupBuilder _ children: () -> [Markup] = { [] }
    ) {
        self = .element(
            name,
            attributes: attributes.map { (name: $0.key, value: $0.value) },
            children: children()
        )
    }

    /// The document text of this piece.
    package func rendered() -> String {
        var output = ""
        render(into: &output)
        return output
    }

    private func render(into output: inout String) {
        switch self {
        case .text(let text):
            Self.escape(text, into: &output)
        case .verbatim(let text):
            output += text.description
        case .element(let name, let attributes, let children):
            output += "<\(name)"
            for attribute in attributes {
                output += " \(attribute.name)=\""
                Self.escape(attribute.value, into: &output)
                output += "\""
            }
            if children.isEmpty, Self.emptyElements.contains(name) {
                output += "/>"
                return
            }
            output += ">"
            // Line breaks go only between elements, where they are not part of any text.
            let separator = children.allSatisfy(\.isElement) ? "\n" : ""
            for child in children {
                output += separator
                child.render(into: &output)
            }
            output += children.isEmpty ? "" : separator
            output += "</\(name)>"
        }
    }

    private var isElement: Bool {
        if case .element = self { true } else { false }
    }

    /// Elements that HTML forbids to close, and SVG shapes, for which `<x/>` means the same in HTML
    /// and XML.
    private static let emptyElements: Set<String> = [
        "br", "circle", "col", "hr", "line", "meta", "path", "rect",
    ]

    /// Appends `text` with the five special characters as entities and characters that XML 1.0
    /// cannot contain as U+FFFD.
    private static func escape(_ text: String, into output: inout String) {
        for scalar in text.unicodeScalars {
            switch scalar {
            case "&": output += "&amp;"
            case "<": output += "&lt;"
            case ">": output += "&gt;"
            case "\"": output += "&quot;"
            case "'": output += "&#39;"
            case "\t", "\n", "\r": output.unicodeScalars.append(scalar)
            case "\u{0}"..."\u{1F}", "\u{7F}"..."\u{9F}", "\u{FFFE}", "\u{FFFF}":
                output += "\u{FFFD}"
            default: output.unicodeScalars.append(scalar)
            }
        }
    }
}

/// Lists of markup with loops and conditions, as the content of an element.
@resultBuilder
package enum MarkupBuilder {
    package static func buildExpression(_ piece: Markup) -> [Markup] { [piece] }
    package static func buildExpression(_ pieces: [Markup]) -> [Markup] { pieces }
    package static func buildExpression(_ text: String) -> [Markup] { [.text(text)] }
    package static func buildBlock(_ parts: [Markup]...) -> [Markup] { Array(parts.joined()) }
    package static func buildOptional(_ part: [Markup]?) -> [Markup] { part ?? [] }
    package static func buildEither(first part: [Markup]) -> [Markup] { part }
    package static func buildEither(second part: [Markup]) -> [Markup] { part }
    package static func buildArray(_ parts: [[Markup]]) -> [Markup] { Array(parts.joined()) }
}
