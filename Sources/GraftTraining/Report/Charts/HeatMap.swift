/// A matrix of shares as coloured cells.
///
/// Up to ``mostLabels`` rows the cells carry text and the sides carry names; beyond, the cells
/// shrink to a texture, which shows the pattern, and names move into the cells' tooltips. Cells on
/// the diagonal of a square comparison have another colour than the rest, because they mean the
/// opposite.
package struct HeatMap: Chart {
    /// One cell: how strongly it is coloured, from 0 to 1, and up to two lines of text.
    package struct Cell: Sendable {
        package let share: Double
        package let text: String
        package let detail: String

        package init(share: Double, text: String, detail: String = "") {
            (self.share, self.text, self.detail) = (share, text, detail)
        }
    }

    package let title: String
    package let rows: [String]
    package let columns: [String]

    /// A row of cells per row name, each with a cell per column name.
    package let cells: [[Cell]]

    package let rowAxis: String
    package let columnAxis: String

    /// Whether equal row and column indices mean agreement.
    package let marksDiagonal: Bool

    /// What the matrix says, for those who cannot see it.
    package let summary: String

    /// The largest number of rows or columns that are written out.
    package static let mostLabels = 16

    private static let mostCharacters = 16

    package init(
        title: String,
        rows: [String],
        columns: [String],
        cells: [[Cell]],
        rowAxis: String,
        columnAxis: String,
        marksDiagonal: Bool = false,
        summary: String
    ) {
        (self.title, self.rows, self.columns, self.cells) = (title, rows, columns, cells)
        (self.rowAxis, self.columnAxis) = (rowAxis, columnAxis)
        (self.marksDiagonal, self.summary) = (marksDiagonal, summary)
    }

    package var legend: [LegendEntry] {
        marksDiagonal
            ? [LegendEntry("right", color: 0), LegendEntry("wrong", color: 1)] : []
    }

    /// Whether the matrix is too large to be written out.
    package var isCompact: Bool {
        max(rows.count, columns.count) > Self.mostLabels
    }

    private struct Geometry {
        let left: Double
        let top: Double
        let cellWidth: Double
        let cellHeight: Double
    }

    private var geometry: Geometry {
        let columnCount = Double(max(columns.count, 1))
        if isCompact {
            let side = (Self.width - 48) / Double(max(rows.count, columns.count))
            return Geometry(left: 40, top: 32, cellWidth: side, cellHeight: side)
        }
        let left = 26 + max(40, Self.breadth(of: rows))
        let cellWidth = min((Self.width - left - 8) / columnCount, 150)
        let top = turnsNames(cellWidth) ? 28 + Self.breadth(of: columns) : 40
        return Geometry(left: left, top: top, cellWidth: cellWidth, cellHeight: min(cellWidth, 46))
    }

    /// Whether the names of the columns are too long to be written above them level.
    private func turnsNames(_ cellWidth: Double) -> Bool {
        Self.breadth(of: columns) > cellWidth - 4
    }

    /// The room that the longest of `names` takes once shortened, about.
    private static func breadth(of names: [String]) -> Double {
        Double(min(names.map(\.count).max() ?? 0, mostCharacters)) * 7
    }

    package func svg(identifier: String) -> Markup {
        let geometry = geometry
        let height = geometry.top + Double(rows.count) * geometry.cellHeight + 10
        return canvas(identifier: identifier, height: height, description: summary) {
            axisNames(geometry)
            if isCompact { frame(geometry) } else { names(geometry) }
            for (row, line) in cells.enumerated() {
                for (column, cell) in line.enumerated() where !isCompact || cell.share > 0 {
                    draw(cell, row, column, geometry)
                }
            }
        }
    }

    private func axisNames(_ geometry: Geometry) -> [Markup] {
        let middle = geometry.top + Double(rows.count) * geometry.cellHeight / 2
        let span = Double(columns.count) * geometry.cellWidth
        return [
            label(columnAxis, x: geometry.left + span / 2, y: 12, anchor: "middle"),
            Markup(
                "text",
                [
                    "class": "tick", "text-anchor": "middle",
                    "transform": "translate(11 \(Figures.coordinate(middle))) rotate(-90)",
                ]
            ) { rowAxis },
        ]
    }

    private func names(_ geometry: Geometry) -> [Markup] {
        let turned = turnsNames(geometry.cellWidth)
        var pieces: [Markup] = []
        for (index, name) in rows.enumerated() {
            let y = geometry.top + (Double(index) + 0.5) * geometry.cellHeight + 4
            pieces.append(
                label(
                    name.shortened(to: Self.mostCharacters),
                    x: geometry.left - 8,
                    y: y,
                    anchor: "end",
                    class: "name"
                )
            )
        }
        for (index, name) in columns.enumerated() {
            let x = geometry.left + (Double(index) + 0.5) * geometry.cellWidth
            if turned {
                let at = "\(Figures.coordinate(x + 4)) \(Figures.coordinate(geometry.top - 6))"
                pieces.append(
                    Markup("text", ["class": "name", "transform": "translate(\(at)) rotate(-90)"]) {
                        name.shortened(to: Self.mostCharacters)
                    }
                )
            } else {
                pieces.append(
                    label(
                        name.shortened(to: Self.mostCharacters),
                        x: x,
                        y: geometry.top - 8,
                        anchor: "middle",
                        class: "name"
                    )
                )
            }
        }
        return pieces
    }

    /// The outline of a compact matrix, with numbers from one at every tenth row and column.
    private func frame(_ geometry: Geometry) -> [Markup] {
        let shown = [1] + stride(from: 10, through: max(rows.count, columns.count), by: 10)
        var pieces = [
            Markup(
                "rect",
                [
                    "class": "frame",
                    "x": Figures.coordinate(geometry.left), "y": Figures.coordinate(geometry.top),
                    "width": Figures.coordinate(Double(columns.count) * geometry.cellWidth),
                    "height": Figures.coordinate(Double(rows.count) * geometry.cellHeight),
                ]
            )
        ]
        for number in shown {
            let at = (Double(number) - 0.5) * geometry.cellWidth
            if number <= rows.count {
                pieces.append(
                    label(
                        "\(number)",
                        x: geometry.left - 4,
                        y: geometry.top + at + 4,
                        anchor: "end"
                    )
                )
            }
            if number <= columns.count {
                pieces.append(
                    label("\(number)", x: geometry.left + at, y: geometry.top - 5, anchor: "middle")
                )
            }
        }
        return pieces
    }

    private func draw(_ cell: Cell, _ row: Int, _ column: Int, _ geometry: Geometry) -> Markup {
        let x = geometry.left + Double(column) * geometry.cellWidth
        let y = geometry.top + Double(row) * geometry.cellHeight
        let (width, height) = (geometry.cellWidth, geometry.cellHeight)
        let gap = isCompact ? 0.2 : 1.0
        let share = min(max(cell.share.isFinite ? cell.share : 0, 0), 1)
        let color = marksDiagonal && row != column ? "s1" : "s0"
        let tooltip =
            "\(rowAxis) \(rows[row]), \(columnAxis) \(columns[column]): \(cell.text)"
            + (cell.detail.isEmpty ? "" : " (\(cell.detail))")
        return Markup("g") {
            Markup("title") { tooltip }
            Markup(
                "rect",
                [
                    "class": "cell \(color)",
                    "x": Figures.coordinate(x + gap), "y": Figures.coordinate(y + gap),
                    "width": Figures.coordinate(width - 2 * gap),
                    "height": Figures.coordinate(height - 2 * gap),
                    "fill-opacity": Figures.opacity(share, floor: isCompact ? 0.4 : 0.1),
                ]
            )
            if !isCompact, width >= Double(cell.text.count) * 7 + 2 {
                let twoLines = !cell.detail.isEmpty && height >= 34 && width >= 40
                let ink = share > 0.85 ? "strong" : share > 0.55 ? "middling" : "weak"
                label(
                    cell.text,
                    x: x + width / 2,
                    y: y + height / 2 + (twoLines ? -1 : 4),
                    anchor: "middle",
                    class: "count \(ink)"
                )
                if twoLines {
                    label(
                        cell.detail,
                        x: x + width / 2,
                        y: y + height / 2 + 13,
                        anchor: "middle",
                        class: "detail \(ink)"
                    )
                }
            }
        }
    }
}
