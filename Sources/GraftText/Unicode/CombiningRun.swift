/// Combining marks that wait for the next starter, to be put in canonical order.
///
/// Sorting separates marks from their sources in a way that offsets make visible, and the reference's way
/// is kept: in sorted order, each mark that stood in the text takes the next source in *text* order,
/// and each mark that a decomposition added shares the source taken last.
struct CombiningRun {
    private struct Mark {
        let scalar: Unicode.Scalar
        let combiningClass: UInt8
        let takesSource: Bool
    }

    private var marks: [Mark] = []
    private var sources: [Range<Int>] = []
    private var lastSource = 0..<0

    var isEmpty: Bool { marks.isEmpty }

    /// The source of a starter: its own, or else the one taken last.
    mutating func take(_ source: Range<Int>?) -> Range<Int> {
        if let source { lastSource = source }
        return lastSource
    }

    /// Adds a mark of combining class other than 0.
    ///
    /// - Parameters:
    ///   - scalar: The mark.
    ///   - combiningClass: Its class.
    ///   - source: Where it stood, or `nil` if a decomposition added it.
    mutating func append(_ scalar: Unicode.Scalar, combiningClass: UInt8, from source: Range<Int>?)
    {
        marks.append(
            Mark(scalar: scalar, combiningClass: combiningClass, takesSource: source != nil)
        )
        if let source { sources.append(source) }
    }

    /// Hands out all marks in canonical order, and is empty then.
    ///
    /// - Parameter body: Takes a mark, its source, and whether the source is its own.
    mutating func drain(_ body: (Unicode.Scalar, Range<Int>, Bool) -> Void) {
        sortMarks()
        var next = 0
        for mark in marks {
            if mark.takesSource {
                lastSource = sources[next]
                next += 1
            }
            body(mark.scalar, lastSource, mark.takesSource)
        }
        marks.removeAll(keepingCapacity: true)
        sources.removeAll(keepingCapacity: true)
    }

    /// Sorts by combining class, keeping the order of equals; runs are nearly always one to three long.
    private mutating func sortMarks() {
        guard marks.count > 1 else { return }
        let order = marks.indices.sorted { a, b in
            (marks[a].combiningClass, a) < (marks[b].combiningClass, b)
        }
        marks = order.map { marks[$0] }
    }
}
