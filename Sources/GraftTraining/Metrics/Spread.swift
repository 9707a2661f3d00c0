/// The mean of what several runs came to, and how far they lie apart.
public struct Spread: Sendable, Hashable {
    /// The arithmetic mean.
    public let mean: Double
    /// The standard deviation of the sample, `√(Σ (x - mean)² / (n - 1))`; `nil` for a single run.
    public let deviation: Double?

    /// Summarises figures; `nil` if there are none.
    public init?(_ values: [Double]) {
        guard !values.isEmpty else { return nil }
        let mean = values.reduce(0, +) / Double(values.count)
        let squares = values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) }
        self.mean = mean
        deviation =
            values.count > 1 ? (squares / Double(values.count - 1)).squareRoot() : nil
    }
}
