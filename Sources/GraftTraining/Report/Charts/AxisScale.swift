internal import Foundation

/// A linear map from data to pixels whose ends and ticks are round numbers.
package struct AxisScale: Sendable {
    /// The values at the two ends of the axis.
    package let domain: ClosedRange<Double>

    /// Round values inside the domain, both ends included.
    package let ticks: [Double]

    private let step: Double
    private let start: Double
    private let end: Double

    /// The largest magnitude that a chart shows; what lies beyond counts as not finite.
    private static let limit = 1e30

    /// Tells whether `value` can be drawn.
    package static func draws(_ value: Double) -> Bool {
        value.isFinite && value.magnitude < limit
    }

    /// Creates a scale for `values`.
    ///
    /// - Parameters:
    ///   - values: What has to fit; values that cannot be drawn are ignored.
    ///   - start: The pixel of the lower end.
    ///   - end: The pixel of the upper end; smaller than `start` for an axis that points upward.
    ///   - includesZero: Whether zero belongs to the axis in any case; it is included anyway when
    ///     the values come near it.
    ///   - wholeNumbers: Whether only whole numbers may be ticks.
    ///   - tickCount: How many intervals are wanted, about.
    package init(
        _ values: some Sequence<Double>,
        from start: Double,
        to end: Double,
        includesZero: Bool = false,
        wholeNumbers: Bool = false,
        tickCount: Int = 5
    ) {
        let drawn = values.filter(Self.draws)
        var low = drawn.min() ?? 0
        var high = drawn.max() ?? 1
        if includesZero || (!wholeNumbers && low > 0 && low < 0.4 * high) { low = min(low, 0) }
        if includesZero { high = max(high, 0) }
        // Values that differ by rounding alone are one value: ticks between them would coincide.
        let magnitude = max(low.magnitude, high.magnitude)
        if high - low <= magnitude * 1e-9 || magnitude < 1 / Self.limit {
            let margin = magnitude < 1 / Self.limit ? 1 : magnitude / 2
            (low, high) = (low - (wholeNumbers ? 0 : margin), high + margin)
        }
        var step = Self.roundStep(atLeast: (high - low) / Double(max(tickCount, 1)))
        if wholeNumbers { step = max(step.rounded(), 1) }
        let (first, last) = ((low / step - 1e-9).rounded(.up), (high / step + 1e-9).rounded(.down))
        if wholeNumbers {
            // Counted things (steps, epochs) fill the axis; only measured ones are rounded outward.
            domain = low...max(high, low + 1)
            ticks = stride(from: first, through: max(last, first), by: 1).map { $0 * step }
        } else {
            let (below, above) = (
                (low / step + 1e-9).rounded(.down), (high / step - 1e-9).rounded(.up)
            )
            domain = below * step...above * step
            ticks = stride(from: below, through: above, by: 1).map { $0 * step }
        }
        (self.step, self.start, self.end) = (step, start, end)
    }

    /// The pixel at which `value` lies.
    package func callAsFunction(_ value: Double) -> Double {
        let share = (value - domain.lowerBound) / (domain.upperBound - domain.lowerBound)
        return start + share * (end - start)
    }

    /// The text of a tick, with as many digits as the distance of the ticks asks for.
    package func label(_ tick: Double) -> String {
        if tick.magnitude < step / 2 { return "0" }
        let exponent = Int(floor(log10(step) + 1e-9))
        if exponent < -3 || exponent > 5 {
            let digits = max(0, Int(floor(log10(tick.magnitude) + 1e-9)) - exponent)
            let parts = String(format: "%.\(digits)e", tick).split(separator: "e")
            guard parts.count == 2, let power = Int(parts[1]) else { return String(tick) }
            let mantissa = digits > 0 ? parts[0].replacing(#/\.?0+$/#, with: "") : parts[0]
            return "\(mantissa)e\(power)"
        }
        if exponent >= 3 { return Figures.measure(tick / 1000) + "k" }
        return String(format: "%.\(max(0, -exponent))f", tick)
    }

    /// The smallest of 1, 2 and 5 times a power of ten that is not below `value`.
    private static func roundStep(atLeast value: Double) -> Double {
        let power = pow(10, floor(log10(value)))
        let factor = [1.0, 2, 5].first { $0 * power >= value * (1 - 1e-9) } ?? 10
        return factor * power
    }
}
