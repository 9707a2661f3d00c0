/// Evaluates tags of words: the share of right tags, and precision, recall and F1 of whole entities.
///
/// Entities are counted over all rows together, as the CoNLL script and seqeval do: an entity is right
/// only if its first word, its last word and its type are.
///
/// - Parameters:
///   - predictions: The predicted tag of each word of each row.
///   - labels: The true tag of each word of each row.
/// - Returns: Token accuracy, and the entities' F1, precision and recall.
/// - Throws: ``MetricsError`` if there are no words, or the counts differ.
public func taggingMetrics(
    predictions: [[String]],
    labels: [[String]]
) throws(MetricsError) -> Metrics {
    try checkCounts(predictions.count, labels.count)
    var tally = Tally()
    var (right, words) = (0, 0)
    for row in labels.indices {
        guard predictions[row].count == labels[row].count else {
            throw .countMismatch(
                predictions: predictions[row].count,
                labels: labels[row].count,
                row: row
            )
        }
        right += zip(predictions[row], labels[row]).count { $0 == $1 }
        words += labels[row].count
        let predicted = Set(Entity.all(in: predictions[row]))
        let wanted = Set(Entity.all(in: labels[row]))
        let found = predicted.intersection(wanted).count
        tally += Tally(
            truePositives: found,
            falsePositives: predicted.count - found,
            falseNegatives: wanted.count - found
        )
    }
    guard words > 0 else { throw .noRows }
    return Metrics([
        .entityF1: tally.f1, .entityPrecision: tally.precision, .entityRecall: tally.recall,
        .tokenAccuracy: Double(right) / Double(words),
    ])
}

/// Evaluates tags given as class numbers; see ``taggingMetrics(predictions:labels:)``.
///
/// - Parameters:
///   - predictions: The predicted tag of each word of each row.
///   - labels: The true tag of each word of each row.
///   - names: The names of the tags.
/// - Returns: Token accuracy, and the entities' F1, precision and recall.
/// - Throws: ``MetricsError`` if there are no words, the counts differ, or a tag has no name.
public func taggingMetrics(
    predictions: [[Int]],
    labels: [[Int]],
    names: [String]
) throws(MetricsError) -> Metrics {
    func tags(_ rows: [[Int]]) throws(MetricsError) -> [[String]] {
        var result: [[String]] = []
        for (row, numbers) in rows.enumerated() {
            for number in numbers where !names.indices.contains(number) {
                throw .unknownClass(number, row: row, classes: names.count)
            }
            result.append(numbers.map { names[$0] })
        }
        return result
    }
    return try taggingMetrics(predictions: tags(predictions), labels: tags(labels))
}

/// A span of words of one type, as tags of the forms IOB1, IOB2 and IOBES delimit it.
///
/// Malformed sequences are read as the CoNLL script reads them: an `I-` after `O`, or after a tag
/// of another type, begins an entity just as a `B-` does.
public struct Entity: Sendable, Hashable {
    /// The part of the tag after `B-` or the like; `_` if there is none.
    public let type: String
    /// The words' positions.
    public let words: Range<Int>

    /// Names a span.
    public init(type: String, words: Range<Int>) {
        (self.type, self.words) = (type, words)
    }

    /// The entities that a row's tags delimit, in order.
    public static func all(in tags: [String]) -> [Entity] {
        var entities: [Entity] = []
        var (start, previous) = (0, Tag("O"))
        for (position, text) in (tags + ["O"]).enumerated() {
            let tag = Tag(text)
            if previous.ends(before: tag) {
                entities.append(Entity(type: previous.type, words: start..<position))
            }
            if tag.begins(after: previous) { start = position }
            previous = tag
        }
        return entities
    }
}

/// A tag, taken apart into its position (`B`, `I`, `E`, `S`, `O`) and its type.
private struct Tag {
    let position: Character
    let type: String

    init(_ text: String) {
        position = text.first ?? "O"
        let rest = text.dropFirst()
        let type = rest.firstIndex(of: "-").map { rest[rest.index(after: $0)...] } ?? rest
        self.type = type.isEmpty ? "_" : String(type)
    }

    /// Whether this tag is outside of entities; `.` is how some CoNLL files write that.
    private var isOutside: Bool { position == "O" || position == "." }

    func ends(before next: Tag) -> Bool {
        switch (position, next.position) {
        case ("E", _), ("S", _): true
        case ("B", "B"), ("B", "S"), ("B", "O"), ("I", "B"), ("I", "S"), ("I", "O"): true
        default: !isOutside && type != next.type
        }
    }

    func begins(after previous: Tag) -> Bool {
        switch (previous.position, position) {
        case (_, "B"), (_, "S"): true
        case ("E", "E"), ("E", "I"), ("S", "E"), ("S", "I"), ("O", "E"), ("O", "I"): true
        default: !isOutside && previous.type != type
        }
    }
}
