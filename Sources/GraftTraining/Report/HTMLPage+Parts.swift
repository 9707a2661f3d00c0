/// What all pages have in common.
extension HTMLPage {
    /// A heading with its cards, or nothing where there is nothing to show.
    @MarkupBuilder
    static func section(_ name: String, _ cards: [Markup]) -> [Markup] {
        if !cards.isEmpty {
            Markup("section") {
                Markup("h2") { name }
                Markup("div", ["class": "grid"]) { cards }
            }
        }
    }

    /// A headline figure: what it is, its value, and what puts it in its place.
    ///
    /// - Parameters:
    ///   - name: What it is.
    ///   - value: The figure with its unit.
    ///   - note: A line below it; none if empty.
    ///   - isFirst: Whether it is the one that the page is about.
    /// - Returns: A card.
    static func tile(
        _ name: String,
        _ value: String,
        _ note: String,
        isFirst: Bool = false
    ) -> Markup {
        Markup("div", ["class": isFirst ? "card tile first" : "card tile"]) {
            Markup("div", ["class": "name"]) { name }
            Markup("div", ["class": "value"]) { value }
            if !note.isEmpty { Markup("div", ["class": "note"]) { note } }
        }
    }

    /// What the reader should be warned about, or nothing.
    @MarkupBuilder
    static func warningBox(_ warnings: [String]) -> [Markup] {
        if !warnings.isEmpty {
            Markup("aside", ["class": "warnings", "aria-label": "Warnings"]) {
                Markup("strong") {
                    warnings.count == 1 ? "One warning" : "\(warnings.count) warnings"
                }
                Markup("ul") { warnings.map { warning in Markup("li") { warning } } }
            }
        }
    }

    /// The command that makes the page again, or nothing if it is not known.
    @MarkupBuilder
    static func reproduction(_ command: [String]) -> [Markup] {
        if !command.isEmpty {
            Markup("section") {
                Markup("h2") { "Run it again" }
                Markup("div", ["class": "card"]) {
                    Markup("pre") { Markup("code") { ShellCommand(command).text } }
                }
            }
        }
    }

    /// The end of the page.
    static func footer(keeping things: String) -> Markup {
        Markup("footer") {
            Markup("p") {
                "Written by Graft. One file, nothing to fetch: keep it beside \(things)."
            }
        }
    }
}
