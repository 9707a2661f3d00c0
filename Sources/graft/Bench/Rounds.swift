internal import GraftData

/// A figure as several rounds measured it.
struct Rounds {
    /// The figure of each round, in their order.
    private(set) var values: [Double] = []

    /// Adds the figure of another round.
    mutating func append(_ value: Double) { values.append(value) }

    /// The middle one, or the mean of the two in the middle; NaN before the first round.
    var median: Double {
        guard !values.isEmpty else { return .nan }
        let sorted = values.sorted()
        return (sorted[(sorted.count - 1) / 2] + sorted[sorted.count / 2]) / 2
    }

    /// From the smallest to the largest, by the median.
    var spread: Double {
        guard let least = values.min(), let most = values.max() else { return .nan }
        return (most - least) / median
    }

    /// As results print it.
    var json: JSONValue {
        .object([
            .init("median", .number(median)), .init("spread", .number(spread)),
            .init("rounds", .array(values.map { .number($0) })),
        ])
    }
}
