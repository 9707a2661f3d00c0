/// What a report shows of a matrix.
extension ConfusionMatrix {
    /// How many predictions were recorded.
    public var total: Int {
        counts.reduce(0) { $0 + $1.reduce(0, +) }
    }

    /// How many of them were right.
    public var correct: Int {
        names.indices.reduce(0) { $0 + counts[$1][$1] }
    }

    /// The counts divided by the sum of their row: recall on the diagonal, zero in a row without
    /// examples.
    public var rowShares: [[Double]] {
        counts.map { row in
            let sum = max(row.reduce(0, +), 1)
            return row.map { Double($0) / Double(sum) }
        }
    }

    /// One cell off the diagonal.
    package struct Confusion: Equatable {
        package let gold: String
        package let predicted: String
        package let count: Int
        package let share: Double
    }

    /// Returns the most frequent confusions, the most frequent first, ties in label order.
    package func confusions(limit: Int) -> [Confusion] {
        let shares = rowShares
        var found: [Confusion] = []
        for gold in names.indices {
            for predicted in names.indices where predicted != gold && counts[gold][predicted] > 0 {
                found.append(
                    Confusion(
                        gold: names[gold],
                        predicted: names[predicted],
                        count: counts[gold][predicted],
                        share: shares[gold][predicted]
                    )
                )
            }
        }
        let ranked = found.enumerated().sorted {
            ($1.element.count, $0.offset) < ($0.element.count, $1.offset)
        }
        return ranked.prefix(limit).map(\.element)
    }
}
