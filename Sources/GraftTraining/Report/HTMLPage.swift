/// A page that is one file: style inlined, drawings inlined, no scripts, nothing to fetch.
///
/// The text is HTML and at the same time well-formed XML, so that a test (or a reader's tool) can
/// parse it strictly.
package struct HTMLPage: Sendable {
    package let title: String
    package let content: [Markup]

    package init(title: String, @MarkupBuilder _ content: () -> [Markup]) {
        self.title = title
        self.content = content()
    }

    /// The text of the file.
    package func rendered() -> String {
        let page = Markup("html", ["xmlns": "http://www.w3.org/1999/xhtml", "lang": "en"]) {
            Markup("head") {
                Markup("meta", ["charset": "utf-8"])
                Markup(
                    "meta",
                    ["name": "viewport", "content": "width=device-width, initial-scale=1"]
                )
                Markup("title") { title }
                ReportStyle.element
            }
            Markup("body") { content }
        }
        return "<!DOCTYPE html>\n" + page.rendered() + "\n"
    }
}

/// A table whose caption says what it shows.
package struct HTMLTable: Sendable {
    /// A column: its heading, and whether its cells are numbers, which line up on the right.
    package struct Column: Sendable {
        package let name: String
        package let style: String?

        /// A column of text or of numbers.
        package init(_ name: String, isNumber: Bool = false) {
            (self.name, style) = (name, isNumber ? "number" : nil)
        }

        /// A column of prose, which keeps a readable width.
        package static func prose(_ name: String) -> Column {
            Column(name: name, style: "text")
        }

        private init(name: String, style: String) {
            (self.name, self.style) = (name, style)
        }
    }

    package let caption: String
    package let columns: [Column]
    package let rows: [[String]]

    /// The index of the row that stands out.
    package var best: Int?

    package init(_ caption: String, columns: [Column], rows: [[String]], best: Int? = nil) {
        (self.caption, self.columns, self.rows, self.best) = (caption, columns, rows, best)
    }

    /// A table of names and values, without headings.
    package init(
        _ caption: String,
        entries: [(name: String, value: String)],
        areNumbers: Bool = false
    ) {
        self.init(
            caption,
            columns: [Column(""), Column("", isNumber: areNumbers)],
            rows: entries.map { [$0.name, $0.value] }
        )
    }

    /// The table on a card; a wide one scrolls inside it.
    package func card(class: String = "card") -> Markup {
        Markup("div", ["class": `class`]) {
            Markup("div", ["class": "scroll"]) {
                Markup("table") {
                    Markup("caption") { caption }
                    if columns.contains(where: { !$0.name.isEmpty }) {
                        Markup("thead") {
                            Markup("tr") {
                                columns.map { heading($0.name, $0.style, scope: "col") }
                            }
                        }
                    }
                    Markup("tbody") { rows.indices.map(row) }
                }
            }
        }
    }

    private func row(_ index: Int) -> Markup {
        Markup("tr", index == best ? ["class": "best"] : [:]) {
            for (column, text) in zip(columns, rows[index]).enumerated().map({ ($0, $1.1) }) {
                let style = columns[column].style
                if column == 0, style != "text" {
                    heading(text, style, scope: "row")
                } else {
                    Markup("td", style.map { ["class": $0] } ?? [:]) { text }
                }
            }
        }
    }

    private func heading(_ text: String, _ style: String?, scope: String) -> Markup {
        Markup("th", style.map { ["scope": scope, "class": $0] } ?? ["scope": scope]) { text }
    }
}
