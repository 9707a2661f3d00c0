internal import Foundation

/// A map from positive data to pixels in which equal factors are equal distances.
package struct LogScale: Sendable {
    /// The values at the two ends of the axis, which are ticks.
    package let domain: ClosedRange<Double>
    /// Round values inside the domain, both ends included.
    package let ticks: [Double]

    private let start: Double
    private let end: Double

    /// Creates a scale for `values`, of which those that are not positive and finite are ignored.
    ///
    /// - Parameters:
    ///   - values: What has to fit.
    ///   - start: The pixel of the lower end.
    ///   - end: The pixel of the upper end.
    package init(_ values: some Sequence<Double>, from start: Double, to end: Double) {
        let drawn = values.filter { AxisScale.draws($0) && $0 > 0 }
        let (low, high) = (drawn.min() ?? 1, drawn.max() ?? 10)
        // 1, 2, 5 in each decade; the decades alone where there are many.
        let decades = Int(floor(log10(low)) - 1)...Int(ceil(log10(high)) + 1)
        let factors = high / low > 2e3 ? [1.0] : [1, 2, 5]
        let round = decades.flatMap { decade in factors.map { $0 * pow(10, Double(decade)) } }
        let first = round.last { $0 <= low * (1 - 1e-9) } ?? low / 10
        let last = round.first { $0 >= high * (1 + 1e-9) } ?? high * 10
        domain = first...last
        ticks = round.filter { (first...last).contains($0) }
        (self.start, self.end) = (start, end)
    }

    /// The pixel at which a positive `value` lies.
    package func callAsFunction(_ value: Double) -> Double {
        let share = log(value / domain.lowerBound) / log(domain.upperBound / domain.lowerBound)
        return start + share * (end - start)
    }

    /// The text of a tick: `200`, `50k`, `1M`.
    package func label(_ tick: Double) -> String {
        let units = [(1e9, "G"), (1e6, "M"), (1e3, "k")]
        let (unit, name) = units.first { tick >= $0.0 * (1 - 1e-9) } ?? (1, "")
        return String(format: "%g", tick / unit) + name
    }
}
