/// Named points over an axis of factors, with their spread: what something is worth by what it costs.
package struct ScatterChart: Chart {
    /// A point with its name.
    package struct Point: Sendable {
        package let name: String
        package let x: Double
        package let y: Double
        /// How far the bar through the point reaches, up and down.
        package let deviation: Double

        package init(_ name: String, x: Double, y: Double, deviation: Double = 0) {
            (self.name, self.x, self.y, self.deviation) = (name, x, y, deviation)
        }
    }

    package let title: String
    package let xAxis: String
    package let yAxis: String
    package let points: [Point]

    /// A level on the vertical axis, such as a baseline, drawn where it lies near the points.
    package var level: (value: Double, name: String)?

    package init(title: String, xAxis: String, yAxis: String, points: [Point]) {
        (self.title, self.xAxis, self.yAxis) = (title, xAxis, yAxis)
        self.points = points
    }

    package var legend: [LegendEntry] { [] }

    private static let (left, right, top, bottom) = (48.0, 14.0, 22.0, 38.0)
    private static let height = 320.0
    private static let mostCharacters = 24

    package func svg(identifier: String) -> Markup {
        let drawn = points.filter { AxisScale.draws($0.y) && AxisScale.draws($0.x) && $0.x > 0 }
        let x = LogScale(drawn.map(\.x), from: Self.left, to: Self.width - Self.right)
        let ends = drawn.flatMap { [$0.y - $0.deviation, $0.y + $0.deviation] }
        let y = AxisScale(ends, from: Self.height - Self.bottom, to: Self.top)
        return canvas(identifier: identifier, height: Self.height, description: description) {
            grid(x, y)
            if let level, y.domain.contains(level.value) { mark(level, y) }
            for point in drawn { draw(point, x, y) }
            names(of: drawn.map { (point: $0, place: Place(x: x($0.x), y: y($0.y))) })
        }
    }

    private var description: String {
        points.map { point in
            "\(point.name): \(yAxis) \(Figures.score(point.y)) at \(Figures.measure(point.x)) \(xAxis)."
        }.joined(separator: " ")
    }

    private func grid(_ x: LogScale, _ y: AxisScale) -> [Markup] {
        let (floor, edge) = (Self.height - Self.bottom, Self.width - Self.right)
        let horizontal = y.ticks.flatMap { tick in
            [
                line("grid", from: (Self.left, y(tick)), to: (edge, y(tick))),
                label(y.label(tick), x: Self.left - 6, y: y(tick) + 4, anchor: "end"),
            ]
        }
        let vertical = x.ticks.flatMap { tick in
            [
                line("grid", from: (x(tick), Self.top), to: (x(tick), floor)),
                label(x.label(tick), x: x(tick), y: floor + 16, anchor: "middle"),
            ]
        }
        let middle = (Self.left + edge) / 2
        return horizontal + vertical + [
            label(xAxis + " (log)", x: middle, y: Self.height - 5, anchor: "middle"),
            label(yAxis, x: Self.left, y: Self.top - 9, anchor: "middle"),
        ]
    }

    private func mark(_ level: (value: Double, name: String), _ y: AxisScale) -> [Markup] {
        let edge = Self.width - Self.right
        return [
            line("level", from: (Self.left, y(level.value)), to: (edge, y(level.value))),
            label(level.name, x: edge, y: y(level.value) - 5, anchor: "end"),
        ]
    }

    private func draw(_ point: Point, _ x: LogScale, _ y: AxisScale) -> [Markup] {
        let at = x(point.x)
        var pieces: [Markup] = []
        if point.deviation > 0 {
            let (low, high) = (y(point.y - point.deviation), y(point.y + point.deviation))
            pieces.append(line("spread", from: (at, low), to: (at, high)))
        }
        pieces.append(
            Markup(
                "circle",
                [
                    "class": "dot s0", "cx": Figures.coordinate(at),
                    "cy": Figures.coordinate(y(point.y)), "r": "4",
                ]
            )
        )
        return pieces
    }

    private struct Place {
        let x: Double
        let y: Double
    }

    private struct Box {
        let x: ClosedRange<Double>
        let y: ClosedRange<Double>

        func overlaps(_ other: Box) -> Bool { x.overlaps(other.x) && y.overlaps(other.y) }
    }

    /// Where a name may start: on both sides of its point, the nearest first.
    private func places(of width: Double, beside point: Place) -> [Place] {
        let rows: [Double] = [4, -8, 16, -20, 28, -32, 40]
        let places = rows.flatMap { row in
            [
                Place(x: point.x + 8, y: point.y + row),
                Place(x: point.x - 8 - width, y: point.y + row),
            ]
        }
        return places.filter { $0.x >= Self.left && $0.x + width <= Self.width }
    }

    private func box(_ corner: Place, width: Double) -> Box {
        Box(x: corner.x...corner.x + width, y: corner.y - 10...corner.y + 2)
    }

    /// Writes each name beside its point where no other name or point stands, if there is room.
    private func names(of points: [(point: Point, place: Place)]) -> [Markup] {
        var taken = points.map { Box(x: $1.x - 4...$1.x + 4, y: $1.y - 4...$1.y + 4) }
        return points.map { point, place in
            let text = point.name.shortened(to: Self.mostCharacters)
            let width = 6.2 * Double(text.count)
            let places = places(of: width, beside: place)
            let free = places.first { corner in
                !taken.contains { $0.overlaps(box(corner, width: width)) }
            }
            let chosen = free ?? places.first ?? Place(x: place.x + 8, y: place.y + 4)
            taken.append(box(chosen, width: width))
            return label(text, x: chosen.x, y: chosen.y, class: "name")
        }
    }
}
