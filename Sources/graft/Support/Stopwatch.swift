internal import GraftTraining

/// Measures how long something takes with rows.
struct Stopwatch {
    private let start = ContinuousClock.now

    /// How fast rows went by since the start.
    func speed(_ rows: Int) -> Speed {
        Speed(seconds: (ContinuousClock.now - start) / .seconds(1), rows: rows)
    }

    /// A time with what was done in it.
    struct Speed {
        let seconds: Double
        let rows: Int

        var rowsPerSecond: Double { Double(rows) / max(seconds, 1e-9) }

        /// As people read it.
        var text: String {
            "\(Figures.duration(seconds)) (\(Figures.measure(rowsPerSecond)) rows/s)"
        }
    }
}
