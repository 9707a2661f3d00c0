/// Horizontal bars from a common zero, each possibly made of several segments.
package struct BarChart: Chart {
    /// A part of a bar; equal names share a colour.
    package struct Segment: Sendable {
        package let name: String
        package let value: Double

        package init(_ name: String, _ value: Double) {
            (self.name, self.value) = (name, value)
        }
    }

    /// A bar with its name on the left and its value on the right.
    package struct Bar: Sendable {
        package let name: String
        package let segments: [Segment]
        package let text: String

        package init(_ name: String, _ segments: [Segment], text: String) {
            (self.name, self.segments, self.text) = (name, segments, text)
        }
    }

    package let title: String
    package let bars: [Bar]

    package init(title: String, bars: [Bar]) {
        (self.title, self.bars) = (title, bars)
    }

    package var legend: [LegendEntry] {
        segmentNames.count > 1
            ? segmentNames.enumerated().map { LegendEntry($1, color: $0) } : []
    }

    private static let pitch = 22.0
    private static let mostCharacters = 18

    /// The names of the segments in order of appearance; the index is the colour.
    private var segmentNames: [String] {
        var seen: Set<String> = []
        return bars.flatMap(\.segments).map(\.name).filter { seen.insert($0).inserted }
    }

    package func svg(identifier: String) -> Markup {
        let colors = Dictionary(
            segmentNames.enumerated().map { ($1, $0 % Self.palette) },
            uniquingKeysWith: { $1 }
        )
        let left = 12 + 6.6 * Double(min(bars.map(\.name.count).max() ?? 0, Self.mostCharacters))
        let right = 10 + 7 * Double(bars.map(\.text.count).max() ?? 0)
        let longest = bars.map { $0.segments.reduce(0) { $0 + drawn($1.value) } }.max() ?? 0
        let unit = longest > 0 ? (Self.width - left - right) / longest : 0
        let height = Double(bars.count) * Self.pitch + 4
        return canvas(identifier: identifier, height: height, description: description) {
            for (index, bar) in bars.enumerated() {
                let y = Double(index) * Self.pitch + 2
                label(
                    bar.name.shortened(to: Self.mostCharacters),
                    x: left - 8,
                    y: y + 14,
                    anchor: "end",
                    class: "name"
                )
                segments(of: bar, from: left, y: y, unit: unit, colors: colors)
                label(
                    bar.text,
                    x: left + 6 + unit * bar.segments.reduce(0) { $0 + drawn($1.value) },
                    y: y + 14
                )
            }
        }
    }

    private func segments(
        of bar: Bar,
        from left: Double,
        y: Double,
        unit: Double,
        colors: [String: Int]
    ) -> [Markup] {
        var x = left
        return bar.segments.map { segment in
            defer { x += drawn(segment.value) * unit }
            return Markup("g") {
                Markup("title") {
                    "\(bar.name), \(segment.name): \(Figures.measure(segment.value))"
                }
                Markup(
                    "rect",
                    [
                        "class": "bar s\(colors[segment.name] ?? 0)",
                        "x": Figures.coordinate(x), "y": Figures.coordinate(y + 2),
                        "width": Figures.coordinate(max(drawn(segment.value) * unit - 1, 0)),
                        "height": Figures.coordinate(Self.pitch - 6),
                    ]
                )
            }
        }
    }

    private func drawn(_ value: Double) -> Double {
        AxisScale.draws(value) ? max(value, 0) : 0
    }

    private var description: String {
        bars.map { "\($0.name): \($0.text)" }.joined(separator: ", ") + "."
    }
}
