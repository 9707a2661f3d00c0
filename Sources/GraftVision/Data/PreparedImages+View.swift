extension PreparedImages {
    /// A rectangle of a picture, and whether it is mirrored.
    package struct View: Hashable {
        /// The first column.
        package var left = 0
        /// The first row.
        package var top = 0
        /// Columns.
        package var width: Int
        /// Rows.
        package var height: Int
        /// Whether left and right change places.
        package var isMirrored = false

        /// A view from the upper left corner.
        package init(width: Int, height: Int) { (self.width, self.height) = (width, height) }
    }

    /// Writes the values of one picture as a model reads them: [3, height, width].
    ///
    /// - Parameters:
    ///   - picture: Which one.
    ///   - view: What to show of it; `nil` for all. A part is enlarged by bilinear interpolation, as
    ///     `torch.nn.functional.interpolate(mode: "bilinear", align_corners: False)` does.
    ///   - target: Where the values go.
    ///   - offset: The place of the first there.
    package func write(
        _ picture: Int,
        view: View?,
        to target: inout MutableSpan<Float>,
        at offset: Int
    ) {
        let size = width * height
        let (bytes, values) = (pixels.span, values.span)
        let first = 3 * size * picture
        guard let view else {
            for channel in 0..<3 {
                var source = first + channel
                for index in offset + channel * size..<offset + (channel + 1) * size {
                    target[index] = values[256 * channel + Int(bytes[source])]
                    source += 3
                }
            }
            return
        }
        let rows = Samples(view.top, view.height, count: height, isMirrored: false)
        let columns = Samples(view.left, view.width, count: width, isMirrored: view.isMirrored)
        for channel in 0..<3 {
            func value(_ row: Int, _ column: Int) -> Float {
                let byte = pixels[first + 3 * (row * width + column) + channel]
                return self.values[256 * channel + Int(byte)]
            }
            var index = offset + channel * size
            for row in rows.all {
                for column in columns.all {
                    let above = value(row.lower, column.lower)
                    let below = value(row.upper, column.lower)
                    let rightAbove = value(row.lower, column.upper)
                    let rightBelow = value(row.upper, column.upper)
                    let left = above + (below - above) * row.share
                    let right = rightAbove + (rightBelow - rightAbove) * row.share
                    target[index] = left + (right - left) * column.share
                    index += 1
                }
            }
        }
    }
}

/// Between which values along one side a picture's new values lie.
private struct Samples {
    /// For each new value the two that it lies between, and how near it is to the upper one.
    let all: [(lower: Int, upper: Int, share: Float)]

    /// Spreads a stretch of values over a side.
    init(_ first: Int, _ length: Int, count: Int, isMirrored: Bool) {
        let scale = Double(length) / Double(count)
        let samples = (0..<count).map { place -> (lower: Int, upper: Int, share: Float) in
            let source = max(0, (Double(place) + 0.5) * scale - 0.5)
            let lower = min(Int(source), length - 1)
            return (
                first + lower, first + min(lower + 1, length - 1), Float(source - Double(lower))
            )
        }
        all = isMirrored ? samples.reversed() : samples
    }
}
