internal import GraftData
internal import GraftFormats
internal import GraftTraining

/// How a merged model compares with the model and the adapter that it was made of.
struct MergeCheck {
    /// The number of tensors that changed.
    let tensors: Int
    /// The number of rows that were compared.
    let rows: Int
    /// The largest difference between logits of the two.
    let difference: Double
    /// The largest difference that the adapter itself makes.
    let effect: Double
    /// The largest difference that is accepted.
    let tolerance: Double

    /// The largest difference between numbers at the same places; infinite if one of them is not finite.
    static func largestDifference(_ a: [[Float]], _ b: [[Float]]) -> Double {
        zip(a.joined(), b.joined()).reduce(0) { largest, pair in
            let difference = Double(pair.0) - Double(pair.1)
            return difference.isFinite ? max(largest, difference.magnitude) : .infinity
        }
    }

    /// What rounding to the element types of a model's weights may cost.
    ///
    /// - Parameters:
    ///   - folder: The model.
    ///   - logits: What it is to compute; what is larger than 1, as the logarithm of a text's probability, is rounded
    ///     in proportion.
    /// - Returns: The largest difference.
    /// - Throws: `SafetensorsError` if the model cannot be read.
    static func tolerance(of folder: String, for logits: [[Float]]) throws -> Double {
        let largest = logits.joined().reduce(1) { max($0, Double($1.magnitude)) }
        let types = Set(try Checkpoint(path: folder).tensors.map(\.entry.elementType))
        if types.contains(.bfloat16) { return 0.2 * largest }
        return (types.contains(.float16) ? 0.02 : 1e-4) * largest
    }

    /// Confirms that the merged model may stay.
    ///
    /// - Throws: ``CommandError`` if it differs too much.
    func throwIfTooLarge() throws(CommandError) {
        guard difference <= tolerance else {
            throw CommandError(
                "the merged model's logits differ by \(Figures.measure(difference)), more than"
                    + " \(Figures.measure(tolerance)); the adapter itself moves them by"
                    + " \(Figures.measure(effect))",
                hint: "a model of float32 weights rounds less; --tolerance accepts more"
            )
        }
    }

    /// What `merge --json` prints.
    func json(output: String) -> JSONValue {
        .object([
            .init("output", .string(output)),
            .init("head", .string(output + "/head")),
            .init("changed_tensors", .integer(tensors)),
            .init("largest_difference", .number(difference)),
            .init("adapter_effect", .number(effect)),
            .init("tolerance", .number(tolerance)),
            .init("rows", .integer(rows)),
        ])
    }

    /// What `merge` prints.
    func text(output: String) -> String {
        Table(rows: [
            ["model", "\(output) (\(Figures.count(tensors)) tensors changed)"],
            ["head", output + "/head"],
            [
                "check",
                "logits of \(Figures.count(rows)) rows differ by at most"
                    + " \(Figures.measure(difference)) (accepted: \(Figures.measure(tolerance)));"
                    + " the adapter moves them by \(Figures.measure(effect))",
            ],
        ]).text
    }
}
