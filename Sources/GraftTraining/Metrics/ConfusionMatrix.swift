/// How often each class was predicted for rows of each class.
public struct ConfusionMatrix: Sendable, Hashable, Codable {
    /// The classes' names, by class number.
    public let names: [String]
    /// Rows by true class, then predicted class.
    public private(set) var counts: [[Int]]

    /// Counts predictions against labels.
    ///
    /// - Parameters:
    ///   - predictions: The predicted class of each row.
    ///   - labels: The true class of each row.
    ///   - names: The names of the classes.
    /// - Throws: ``MetricsError`` if there are no rows, the counts differ, or a class has no name.
    public init(
        predictions: [Int],
        labels: [Int],
        names: [String]
    ) throws(MetricsError) {
        try checkCounts(predictions.count, labels.count)
        self.names = names
        counts = Array(repeating: Array(repeating: 0, count: names.count), count: names.count)
        for row in labels.indices {
            for number in [predictions[row], labels[row]] where !names.indices.contains(number) {
                throw .unknownClass(number, row: row, classes: names.count)
            }
            counts[labels[row]][predictions[row]] += 1
        }
    }

    enum CodingKeys: String, CodingKey { case names, counts }

    // Decoding checks what counting guarantees.
    public init(from decoder: any Decoder) throws {
        let fields = try decoder.container(keyedBy: CodingKeys.self)
        names = try fields.decode([String].self, forKey: .names)
        counts = try fields.decode([[Int]].self, forKey: .counts)
        guard counts.count == names.count, counts.allSatisfy({ $0.count == names.count }) else {
            throw DecodingError.dataCorruptedError(
                forKey: .counts,
                in: fields,
                debugDescription: "counts must be \(names.count) rows of \(names.count) columns"
            )
        }
    }

    /// The decisions about one class, seen as yes or no.
    public func tally(of number: Int) -> Tally {
        let right = counts[number][number]
        return Tally(
            truePositives: right,
            falsePositives: counts.reduce(0) { $0 + $1[number] } - right,
            falseNegatives: counts[number].reduce(0, +) - right
        )
    }
}

/// How many yes-or-no decisions were right or wrong.
///
/// Precision, recall and F1 are 0 where nothing is counted, as scikit-learn and seqeval have it by default.
public struct Tally: Sendable, Hashable {
    public var truePositives = 0
    public var falsePositives = 0
    public var falseNegatives = 0

    /// How many rows should have been yes.
    public var support: Int { truePositives + falseNegatives }

    /// The share of yeses that were right.
    public var precision: Double {
        share(Double(truePositives), of: Double(truePositives + falsePositives))
    }

    /// The share of what should have been yes that was.
    public var recall: Double { share(Double(truePositives), of: Double(support)) }

    /// The harmonic mean of precision and recall.
    public var f1: Double {
        let wrong = falsePositives + falseNegatives
        return share(2 * Double(truePositives), of: Double(2 * truePositives + wrong))
    }

    /// Pools the decisions of two tallies.
    public static func += (sum: inout Tally, other: Tally) {
        sum.truePositives += other.truePositives
        sum.falsePositives += other.falsePositives
        sum.falseNegatives += other.falseNegatives
    }
}
