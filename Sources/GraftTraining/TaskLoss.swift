public import GraftModels
public import GraftTorch

/// The loss of a task as a sum and its divisor, so that a batch may be computed in parts.
///
/// Values are those of torch's `CrossEntropyLoss`, `BCEWithLogitsLoss` and `MSELoss` with mean
/// reduction over the whole batch.
public struct TaskLoss: Sendable {
    /// What is predicted.
    public let kind: HeadKind
    /// Probability mass that is spread evenly over all classes.
    public let labelSmoothing: Double
    /// A weight for each class.
    public let classWeights: [Float]?

    /// The loss of a task.
    public init(_ kind: HeadKind, labelSmoothing: Double = 0, classWeights: [Float]? = nil) {
        self.kind = kind
        self.labelSmoothing = labelSmoothing
        self.classWeights = classWeights
    }

    /// The sum of the rows' losses.
    ///
    /// - Parameters:
    ///   - logits: [rows, outputs], or [tokens, outputs] for tagging, in the order of `rows`.
    ///   - rows: Which rows of `data` the logits are of.
    ///   - data: All rows, with their targets.
    /// - Returns: A scalar that gradients can be taken of.
    /// - Throws: `TorchError` if the rows have no targets or shapes do not fit.
    public func sum(
        _ logits: Tensor,
        of rows: some Collection<Int>,
        in data: EncodedRows
    ) throws(TorchError) -> Tensor {
        switch data.targets {
        case .classes(let classes):
            try crossEntropy(logits, rows.map { Int64(classes[$0]) })
        case .tags:
            try crossEntropy(logits, rows.flatMap { data.tags($0).map(Int64.init) })
        case .classLists(let lists):
            try logits.binaryCrossEntropy(
                indicators(rows.map { lists[$0] }, width: logits.size(1), device: logits.device),
                summed: true
            )
        case .numbers(let numbers):
            try logits.reshaped(-1).meanSquaredError(
                Tensor(rows.map { numbers[$0] }).moved(to: logits.device),
                summed: true
            )
        case .none:
            throw TorchError(
                kind: .invalidArgument,
                operation: "loss",
                message: "the rows have no labels"
            )
        }
    }

    /// What the sum over `rows` is divided by to give the mean.
    ///
    /// - Parameters:
    ///   - rows: Which rows of `data` are summed over.
    ///   - data: All rows, with their targets.
    ///   - outputs: The width of the logits.
    /// - Returns: The count of what was summed, weighted as classes are.
    public func weight(
        of rows: some Collection<Int>,
        in data: EncodedRows,
        outputs: Int
    ) -> Double {
        switch data.targets {
        case .classes(let classes):
            rows.reduce(0) { $0 + weight(ofClass: classes[$1]) }
        case .tags:
            rows.reduce(0) { sum, row in
                data.tags(row).reduce(sum) { $0 + ($1 < 0 ? 0 : weight(ofClass: $1)) }
            }
        case .classLists: Double(rows.count * outputs)
        case .numbers, .none: Double(rows.count)
        }
    }

    private func weight(ofClass number: Int32) -> Double {
        classWeights.map { Double($0[Int(number)]) } ?? 1
    }

    private func crossEntropy(_ logits: Tensor, _ labels: [Int64]) throws(TorchError) -> Tensor {
        var weights: Tensor?
        if let classWeights { weights = try Tensor(classWeights).moved(to: logits.device) }
        return try logits.crossEntropy(
            Tensor(labels).moved(to: logits.device),
            classWeights: weights,
            smoothing: labelSmoothing,
            summed: true
        )
    }

    private func indicators(
        _ lists: [[Int]],
        width: Int,
        device: Device
    ) throws(TorchError) -> Tensor {
        var flags = [Float](repeating: 0, count: lists.count * width)
        for (row, classes) in lists.enumerated() {
            for number in classes { flags[row * width + number] = 1 }
        }
        return try Tensor(flags, shape: [lists.count, width]).moved(to: device)
    }
}
