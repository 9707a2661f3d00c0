internal import GraftData
internal import GraftTraining

extension Metrics {
    /// The figures as results print them; what is not a number is `null`.
    var json: JSONValue {
        var members = ordered.map {
            JSONValue.Member($0.metric.rawValue, .number($0.value))
        }
        if let confusion { members.append(.init("confusion", confusion.json)) }
        return .object(members)
    }
}

extension ConfusionMatrix {
    /// The names, and the counts by true class, then predicted class.
    var json: JSONValue {
        .object([
            .init("names", .array(names.map { .string($0) })),
            .init("counts", .array(counts.map { .array($0.map { .integer($0) }) })),
        ])
    }
}
