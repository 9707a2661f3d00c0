internal import GraftData
internal import GraftFormats
internal import GraftModels

extension Predictor {
    /// Puts adapters together that can answer for the same rows in one pass (``ParallelModel``).
    ///
    /// - Parameter predictors: Adapters of one model.
    /// - Returns: Their places in `predictors`, each once; those of a group read rows alike.
    public static func groups(_ predictors: [Predictor]) -> [[Int]] {
        var (groups, places): ([[Int]], [Reading: Int]) = ([], [:])
        for (index, predictor) in predictors.enumerated() {
            let reading = Reading(predictor)
            if let reading, let place = places[reading] {
                groups[place].append(index)
            } else {
                if let reading { places[reading] = groups.count }
                groups.append([index])
            }
        }
        return groups
    }

    /// Answers of several adapters for every row, in one pass.
    ///
    /// - Parameters:
    ///   - predictors: Adapters of a group that ``groups(_:)`` found.
    ///   - data: The rows, encoded by one of them.
    ///   - workers: How many parts are computed at once.
    /// - Returns: For each adapter the answers that it gives alone.
    /// - Throws: `TorchError` if a row is too long for the model or memory runs out.
    public static func answers(
        of predictors: [Predictor],
        _ data: EncodedRows,
        workers: Workers = Workers()
    ) throws -> [[Answer]] {
        guard predictors.count > 1 else {
            return try predictors.map { try $0.answers(data, workers: workers) }
        }
        let model = try ParallelModel(predictors.map(\.model))
        return try zip(predictors, model.predictions(data, workers: workers)).map {
            $0.answers($1, of: data)
        }
    }

    /// How an adapter reads rows: adapters that read them alike can share a pass.
    private struct Reading: Hashable {
        let maxLength: Int
        let reading: ReadingOptions
        let readsPairs: Bool
        /// The task, where its rows are more than a text or a pair.
        let task: HeadKind?
        /// But for the labels', which are not read.
        private var columnNames: ColumnNames

        /// `nil` for an adapter that can share no pass.
        init?(_ predictor: Predictor) {
            guard ParallelModel.holds(predictor.model) else { return nil }
            let bundle = predictor.bundle
            (maxLength, reading) = (bundle.maxLength, bundle.reading)
            readsPairs = bundle.readsPairs
            let kind = bundle.head.kind
            let ownRows: [HeadKind] = [.tagging, .questionAnswering, .multipleChoice]
            task = ownRows.contains(kind) ? kind : nil
            columnNames = bundle.columnNames
            columnNames.label = nil
        }
    }
}
