/// A drawing that stands alone in a page: an SVG with a title and a description for those who
/// cannot see it, coloured by the style sheet so that it follows the page from light to dark.
///
/// Charts are values that say *what* to show; size and type size are fixed, since a page scales the
/// whole drawing. Colours are numbers: series *n* has the class `s<n>` everywhere, modulo
/// ``Chart/palette``.
package protocol Chart: Sendable {
    /// What is shown, in a few words; the heading of the figure.
    var title: String { get }

    /// The names of the colours in use, empty when nothing needs explaining.
    var legend: [LegendEntry] { get }

    /// The drawing; `identifier` must be unique in the page.
    func svg(identifier: String) -> Markup
}

/// A colour of a chart with what it stands for.
package struct LegendEntry: Sendable, Equatable {
    package let name: String
    package let color: Int

    package init(_ name: String, color: Int) {
        self.name = name
        self.color = color
    }
}

extension Chart {
    /// How many colours the style sheet defines.
    package static var palette: Int { 6 }

    /// The width of all drawings in their own units, which are pixels when a figure has half a
    /// page.
    package static var width: Double { 480 }

    /// The chart as a figure with its heading and legend.
    package func figure(identifier: String, class: String = "card") -> Markup {
        Markup("figure", ["class": `class`]) {
            Markup("figcaption") { title }
            svg(identifier: identifier)
            if !legend.isEmpty {
                Markup("ul", ["class": "legend"]) {
                    for entry in legend {
                        Markup("li") {
                            Markup("i", ["class": "s\(entry.color % Self.palette)"])
                            " " + entry.name
                        }
                    }
                }
            }
        }
    }

    /// The outer element of a drawing of the given height.
    func canvas(
        identifier: String,
        height: Double,
        description: String,
        @MarkupBuilder _ content: () -> [Markup]
    ) -> Markup {
        Markup(
            "svg",
            [
                "xmlns": "http://www.w3.org/2000/svg",
                "viewBox": "0 0 \(Figures.coordinate(Self.width)) \(Figures.coordinate(height))",
                "role": "img",
                "aria-labelledby": "\(identifier)-title \(identifier)-description",
            ]
        ) {
            Markup("title", ["id": "\(identifier)-title"]) { title }
            Markup("desc", ["id": "\(identifier)-description"]) { description }
            content()
        }
    }

    /// A straight line.
    func line(
        _ class: String,
        from a: (x: Double, y: Double),
        to b: (x: Double, y: Double)
    ) -> Markup {
        Markup(
            "line",
            [
                "class": `class`,
                "x1": Figures.coordinate(a.x), "y1": Figures.coordinate(a.y),
                "x2": Figures.coordinate(b.x), "y2": Figures.coordinate(b.y),
            ]
        )
    }

    /// A line of text whose anchor is one of `start`, `middle` and `end`.
    func label(
        _ text: String,
        x: Double,
        y: Double,
        anchor: String = "start",
        class: String = "tick"
    ) -> Markup {
        Markup(
            "text",
            [
                "class": `class`,
                "x": Figures.coordinate(x), "y": Figures.coordinate(y), "text-anchor": anchor,
            ]
        ) { text }
    }
}

extension String {
    /// At most `length` characters, with an ellipsis in the middle where something was cut out:
    /// names of labels often differ only at one of their ends.
    func shortened(to length: Int) -> String {
        count <= length ? self : prefix(length / 2) + "…" + suffix((length - 1) / 2)
    }
}
