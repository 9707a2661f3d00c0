internal import GraftData
internal import GraftFormats
internal import GraftTraining

/// How a merged model compares with the model and the adapter that it was made of.
struct MergeCheck {
    /// The number of tensors that changed.
    let tensors: Int
    /// The number of rows that were compared.
    let rows: Int
    /// The largest difference between logits of the two, as `largestDifference(_:_:)` has it.
    let difference: Double
    /// The largest difference that the adapter itself makes.
    let effect: Double
    /// The largest difference that is accepted.
    let tolerance: Double

    /// The largest difference from numbers at the same places, as a share of those that are larger than 1.
    ///
    /// - Parameters:
    ///   - found: The numbers.
    ///   - wanted: What they should be. What is large, as the logarithm of a text's probability, is rounded in proportion.
    /// - Returns: The difference; infinite if a number is not finite.
    static func largestDifference(_ found: [[Float]], _ wanted: [[Float]]) -> Double {
        zip(found.joined(), wanted.joined()).reduce(0) { largest, pair in
            let (found, wanted) = (Double(pair.0), Double(pair.1))
            let difference = (found - wanted).magnitude / max(1, wanted.magnitude)
            return difference.isFinite && wanted.isFinite ? max(largest, difference) : .infinity
        }
    }

    /// What rounding to the element types of a model's weights may cost.
    ///
    /// - Parameter folder: The model.
    /// - Returns: The largest difference.
    /// - Throws: `SafetensorsError` if the model cannot be read.
    static func tolerance(of folder: String) throws -> Double {
        let types = Set(try Checkpoint(path: folder).tensors.map(\.entry.elementType))
        if types.contains(.bfloat16) { return 0.2 }
        return types.contains(.float16) ? 0.02 : 1e-4
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
