internal import ArgumentParser
internal import GraftTraining

/// The value of `--class-weights`.
enum ClassWeights {
    /// Reads a weight for each class, or computes those that even out the classes' frequencies.
    ///
    /// `balanced` is scikit-learn's: all rows by the number of classes times the rows of the class.
    ///
    /// - Throws: `ValidationError` if the weights do not fit the task.
    static func read(_ text: String, labels: [String], rows: EncodedRows) throws -> [Float] {
        let classes: [Int32]
        switch rows.targets {
        case .classes(let numbers): classes = numbers
        case .tags(let numbers): classes = numbers.filter { $0 >= 0 }
        case .classLists, .numbers, .pairs, .tokens, .spans, .choices, .none:
            throw ValidationError("--class-weights is for classification and tagging")
        }
        guard text != "balanced" else { return balanced(classes, count: labels.count) }
        let weights = text.commaSeparated.compactMap(Float.init)
        guard weights.count == labels.count, weights.allSatisfy({ $0.isFinite && $0 >= 0 }),
            weights.contains(where: { $0 > 0 })
        else {
            throw ValidationError(
                "--class-weights: expected 'balanced' or \(labels.count) numbers, not all 0, for"
                    + " \(labels.joined(separator: ", ")), found '\(text)'"
            )
        }
        return weights
    }

    private static func balanced(_ classes: [Int32], count: Int) -> [Float] {
        var rows = [Int](repeating: 0, count: count)
        for number in classes { rows[Int(number)] += 1 }
        return rows.map { $0 == 0 ? 1 : Float(classes.count) / Float(count * $0) }
    }
}
