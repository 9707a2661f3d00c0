/// The figures of one evaluation.
///
/// Metrics come in the order in which ``Metric`` declares them. As JSON they are one object with a member
/// per metric, and `confusion` if there is a confusion matrix. JSON has no word for a figure that is not a
/// number; it is written as `null` and read back as what it was.
public struct Metrics: Sendable, Hashable {
    /// The figures by name.
    public var values: [Metric: Double]
    /// Which classes were taken for which.
    public var confusion: ConfusionMatrix?

    /// Gathers figures.
    public init(_ values: [Metric: Double], confusion: ConfusionMatrix? = nil) {
        (self.values, self.confusion) = (values, confusion)
    }

    /// The figure of one metric; nil if it was not computed.
    public subscript(metric: Metric) -> Double? {
        get { values[metric] }
        set { values[metric] = newValue }
    }

    /// The figures in a fixed order.
    public var ordered: [(metric: Metric, value: Double)] {
        Metric.allCases.compactMap { metric in values[metric].map { (metric, $0) } }
    }
}

extension Metrics: Codable {
    private struct Key: CodingKey {
        let stringValue: String
        var intValue: Int? { nil }

        init(stringValue: String) { self.stringValue = stringValue }
        init?(intValue: Int) { nil }

        static let confusion = Key(stringValue: "confusion")
    }

    public init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: Key.self)
        var values: [Metric: Double] = [:]
        var confusion: ConfusionMatrix?
        for key in container.allKeys {
            if key.stringValue == Key.confusion.stringValue {
                confusion = try container.decode(ConfusionMatrix.self, forKey: key)
                continue
            }
            guard let metric = Metric(rawValue: key.stringValue) else {
                throw DecodingError.dataCorruptedError(
                    forKey: key,
                    in: container,
                    debugDescription: "'\(key.stringValue)' is not a metric"
                )
            }
            let isNull = try container.decodeNil(forKey: key)
            values[metric] = isNull ? .nan : try container.decode(Double.self, forKey: key)
        }
        self.init(values, confusion: confusion)
    }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: Key.self)
        for (metric, value) in ordered {
            let key = Key(stringValue: metric.rawValue)
            if value.isFinite {
                try container.encode(value, forKey: key)
            } else {
                try container.encodeNil(forKey: key)
            }
        }
        try container.encodeIfPresent(confusion, forKey: .confusion)
    }
}

/// Predictions and labels that no metric can be computed from.
public enum MetricsError: Error, Sendable, Hashable {
    /// There is nothing to evaluate.
    case noRows
    /// There are not as many predictions as labels; `row` is set if they differ within one row.
    case countMismatch(predictions: Int, labels: Int, row: Int?)
    /// A class number that is not the index of a name.
    case unknownClass(Int, row: Int, classes: Int)
}

extension MetricsError: CustomStringConvertible {
    public var description: String {
        switch self {
        case .noRows:
            "there are no rows to evaluate (hint: is the evaluation file empty?)"
        case .countMismatch(let predictions, let labels, let row):
            (row.map { "row \($0): " } ?? "")
                + "\(predictions) predictions for \(labels) labels (hint: both must be in the same order)"
        case .unknownClass(let number, let row, let classes):
            "row \(row): class \(number) is not one of the \(classes) classes "
                + "(hint: do model and data have the same label names?)"
        }
    }
}

/// Checks that there are rows and as many predictions as labels.
func checkCounts(_ predictions: Int, _ labels: Int) throws(MetricsError) {
    guard predictions == labels else {
        throw .countMismatch(predictions: predictions, labels: labels, row: nil)
    }
    guard labels > 0 else { throw .noRows }
}

/// The quotient, or 0 where nothing is counted: what scikit-learn calls `zero_division=0`.
func share(_ part: Double, of whole: Double) -> Double {
    whole == 0 ? 0 : part / whole
}
