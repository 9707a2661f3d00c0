/// Curves over a common horizontal axis.
///
/// A value that is not finite interrupts its curve and leaves a cross on the upper edge: a diverged
/// run shows where it diverged, and the rest of it can still be read. Long curves are thinned out
/// to what a screen resolves.
package struct LineChart: Chart {
    /// A pair of coordinates.
    package struct Point: Sendable, Equatable {
        package let x: Double
        package let y: Double

        package init(_ x: Double, _ y: Double) {
            (self.x, self.y) = (x, y)
        }
    }

    /// How a curve is drawn.
    package enum Look: String, Sendable {
        /// A full line.
        case line
        /// A pale line behind the others, for raw values.
        case faint
        /// A line with a dot at each point, for few values.
        case dotted
    }

    /// One curve.
    package struct Series: Sendable {
        package let name: String
        package let points: [Point]
        package let look: Look
        package let color: Int

        package init(_ name: String, _ points: [Point], look: Look = .line, color: Int = 0) {
            (self.name, self.points, self.look, self.color) = (name, points, look, color)
        }
    }

    /// A level or a position worth a line across the chart.
    package struct Mark: Sendable {
        package let value: Double
        package let name: String

        package init(_ value: Double, _ name: String) {
            (self.value, self.name) = (value, name)
        }
    }

    package let title: String

    /// The name of the horizontal axis.
    package let axis: String
    package let series: [Series]

    /// Positions on the horizontal axis, such as the ends of epochs.
    package var positions: [Mark] = []

    /// Levels on the vertical axis, such as a baseline.
    package var levels: [Mark] = []

    /// A point that stands out, with what is written beside it.
    package var highlight: (point: Point, name: String)?

    /// Whether the vertical axis starts at zero whatever the values.
    package var includesZero = false

    package var height = 260.0

    package init(title: String, axis: String, series: [Series]) {
        (self.title, self.axis, self.series) = (title, axis, series)
    }

    package var legend: [LegendEntry] {
        let named = series.filter { $0.look != .faint }
        return named.count > 1 ? named.map { LegendEntry($0.name, color: $0.color) } : []
    }

    private static let (left, right, top, bottom) = (48.0, 14.0, 22.0, 38.0)
    private static let mostPoints = 500
    private static let mostCrosses = 40

    package func svg(identifier: String) -> Markup {
        let points = series.flatMap(\.points)
        let x = AxisScale(
            points.map(\.x),
            from: Self.left,
            to: Self.width - Self.right,
            wholeNumbers: true,
            tickCount: 7
        )
        let y = AxisScale(
            points.map(\.y) + levels.map(\.value),
            from: height - Self.bottom,
            to: Self.top,
            includesZero: includesZero
        )
        return canvas(identifier: identifier, height: height, description: description) {
            grid(x, y)
            for mark in levels where AxisScale.draws(mark.value) { level(mark, x, y) }
            for curve in series { draw(curve, x, y) }
            crosses(x)
            if let highlight, AxisScale.draws(highlight.point.y) {
                ring(highlight.point, highlight.name, x, y)
            }
        }
    }

    /// The chart in words: where each curve starts, ends and has its extremes.
    private var description: String {
        let sentences = series.filter { $0.look != .faint || series.count == 1 }.map { curve in
            let drawn = curve.points.filter { AxisScale.draws($0.y) }
            guard let first = drawn.first, let last = drawn.last else {
                return "\(curve.name): no finite value."
            }
            let values = drawn.map(\.y)
            let (low, high) = (values.min() ?? first.y, values.max() ?? first.y)
            return "\(curve.name): \(position(first)), \(position(last)), "
                + "between \(Figures.measure(low)) and \(Figures.measure(high))."
        }
        let gaps = gaps.count
        let loss = gaps == 1 ? ["1 value is not finite."] : ["\(gaps) values are not finite."]
        return (sentences + (gaps > 0 ? loss : [])).joined(separator: " ")
    }

    private func position(_ point: Point) -> String {
        "\(Figures.measure(point.y)) at \(axis) \(Figures.measure(point.x))"
    }

    /// The positions at which a curve has no value that can be drawn, each once.
    private var gaps: [Double] {
        let positions = series.flatMap(\.points).filter { !AxisScale.draws($0.y) }.map(\.x)
        return Set(positions.filter(AxisScale.draws)).sorted()
    }

    private func grid(_ x: AxisScale, _ y: AxisScale) -> [Markup] {
        let (floor, edge) = (height - Self.bottom, Self.width - Self.right)
        var pieces: [Markup] = []
        for tick in y.ticks {
            pieces.append(line("grid", from: (Self.left, y(tick)), to: (edge, y(tick))))
            pieces.append(label(y.label(tick), x: Self.left - 6, y: y(tick) + 4, anchor: "end"))
        }
        for tick in x.ticks {
            pieces.append(label(x.label(tick), x: x(tick), y: floor + 16, anchor: "middle"))
        }
        let every = max(1, (positions.count + 11) / 12)
        for (index, mark) in positions.enumerated() where AxisScale.draws(mark.value) {
            let at = x(mark.value)
            pieces.append(line("mark", from: (at, Self.top), to: (at, floor)))
            if (positions.count - 1 - index).isMultiple(of: every) {
                pieces.append(label(mark.name, x: at, y: Self.top - 7, anchor: "middle"))
            }
        }
        pieces.append(label(axis, x: (Self.left + edge) / 2, y: height - 5, anchor: "middle"))
        return pieces
    }

    private func level(_ mark: Mark, _ x: AxisScale, _ y: AxisScale) -> [Markup] {
        let (at, edge) = (y(mark.value), Self.width - Self.right)
        return [
            line("level", from: (Self.left, at), to: (edge, at)),
            label(mark.name, x: edge, y: at - 5, anchor: "end"),
        ]
    }

    private func draw(_ curve: Series, _ x: AxisScale, _ y: AxisScale) -> [Markup] {
        let color = "s\(curve.color % Self.palette)"
        let spacing = max(1, (curve.points.count + Self.mostPoints - 1) / Self.mostPoints)
        let points = curve.points.enumerated().compactMap { index, point in
            index.isMultiple(of: spacing) || index == curve.points.count - 1 ? point : nil
        }
        let runs = points.split { !AxisScale.draws($0.y) }
        let path = runs.map { run in
            "M"
                + run.map { "\(Figures.coordinate(x($0.x))) \(Figures.coordinate(y($0.y)))" }
                .joined(separator: "L")
        }
        var pieces: [Markup] = []
        if !path.isEmpty {
            pieces.append(
                Markup("path", ["class": "\(curve.look.rawValue) \(color)", "d": path.joined()])
            )
        }
        let dots =
            curve.look == .dotted
            ? runs.flatMap(Array.init) : runs.filter { $0.count == 1 }.flatMap(Array.init)
        for point in dots {
            pieces.append(dot(point, "dot \(color)", radius: 3, x, y))
        }
        return pieces
    }

    private func dot(
        _ point: Point,
        _ class: String,
        radius: Double,
        _ x: AxisScale,
        _ y: AxisScale
    ) -> Markup {
        Markup(
            "circle",
            [
                "class": `class`,
                "cx": Figures.coordinate(x(point.x)), "cy": Figures.coordinate(y(point.y)),
                "r": Figures.coordinate(radius),
            ]
        )
    }

    private func crosses(_ x: AxisScale) -> [Markup] {
        gaps.prefix(Self.mostCrosses).map(x.callAsFunction).flatMap { at in
            [
                line("cross", from: (at - 3, Self.top - 3), to: (at + 3, Self.top + 3)),
                line("cross", from: (at - 3, Self.top + 3), to: (at + 3, Self.top - 3)),
            ]
        }
    }

    private func ring(_ point: Point, _ name: String, _ x: AxisScale, _ y: AxisScale) -> [Markup] {
        let (atX, atY) = (x(point.x), y(point.y))
        let beyond = atX > Self.width * 0.7
        let below = atY < Self.top + 18
        return [
            dot(point, "ring", radius: 6, x, y),
            label(
                name,
                x: atX + (beyond ? -10 : 10),
                y: atY + (below ? 18 : -9),
                anchor: beyond ? "end" : "start",
                class: "note"
            ),
        ]
    }
}

extension [LineChart.Point] {
    /// The curve with each value replaced by an average that forgets at the rate of about `window`
    /// points.
    ///
    /// The average starts unbiased (as Adam's moments do) and passes over values that cannot be
    /// drawn.
    package func smoothed(window: Int) -> [LineChart.Point] {
        let keep = 1 - 1 / Double(Swift.max(window, 1))
        var (sum, weight) = (0.0, 0.0)
        return map { point in
            guard AxisScale.draws(point.y) else { return point }
            sum = keep * sum + (1 - keep) * point.y
            weight = keep * weight + (1 - keep)
            return LineChart.Point(point.x, sum / weight)
        }
    }
}
