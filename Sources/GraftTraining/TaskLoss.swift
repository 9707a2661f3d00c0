public import GraftModels
public import GraftTorch

/// The loss of a task as a sum and its divisor, so that a batch may be computed in parts.
///
/// Values are those of torch's `CrossEntropyLoss`, `BCEWithLogitsLoss` and `MSELoss` with mean
/// reduction over the whole batch, for pairs of an image and a text those of `transformers`' CLIP, and for questions the mean
/// of the entropies of both ends of an answer. The peers count padding among the places where an answer may begin; here
/// there is none.
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

    /// Whether a row's loss depends on the others of its batch, so that a part of a batch has none.
    var comparesRows: Bool { kind == .imageText }

    /// The sum of the rows' losses.
    ///
    /// - Parameters:
    ///   - logits: [rows, outputs], or [tokens, outputs] where each token has an answer, in the order of `rows`.
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
        case .tokens(let tokens):
            try crossEntropy(logits, rows.flatMap { tokens.next($0).map(Int64.init) })
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
        case .pairs(let images):
            try contrast(logits, images: rows.map { images[$0] })
        case .spans(let spans):
            try spanEntropy(logits, of: rows.map { spans[$0] }, lengths: rows.map(data.length))
        case .choices(let choices):
            try choiceEntropy(
                logits.reshaped(-1),
                counts: rows.map(data.sequenceCount),
                chosen: rows.map { Int64(choices[$0]) }
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
        case .tokens(let tokens): Double(rows.reduce(0) { $0 + tokens.count($1) })
        case .classLists: Double(rows.count * outputs)
        case .numbers, .pairs, .spans, .choices, .none: Double(rows.count)
        }
    }

    private func weight(ofClass number: Int32) -> Double {
        classWeights.map { Double($0[Int(number)]) } ?? 1
    }

    /// The sum of the cross entropies of logits, [n, classes], and classes.
    func crossEntropy(_ logits: Tensor, _ labels: [Int64]) throws(TorchError) -> Tensor {
        var weights: Tensor?
        if let classWeights { weights = try Tensor(classWeights).moved(to: logits.device) }
        return try logits.crossEntropy(
            Tensor(labels).moved(to: logits.device),
            classWeights: weights,
            smoothing: labelSmoothing,
            summed: true
        )
    }

    /// CLIP's symmetric cross entropy over a batch.
    ///
    /// Every image is to be told its text among all of the batch, and every text its image. Where several texts of an
    /// image are in a batch, the others are neither right nor wrong and do not count.
    ///
    /// Reference: Radford et al., [Learning Transferable Visual Models](https://arxiv.org/abs/2103.00020), figure 3.
    ///
    /// - Parameters:
    ///   - places: As `ImageTextModel.pairEmbeddings` gives them: [pairs, 2 · width]
    ///   - images: Which image a pair has.
    /// - Returns: The sum over the pairs of the mean of both directions.
    /// - Throws: `TorchError` if memory runs out.
    private func contrast(_ places: Tensor, images: [Int32]) throws(TorchError) -> Tensor {
        let (count, width) = (images.count, places.size(1) / 2)
        let image = try places.narrowed(0..<width, along: 1)
        let text = try places.narrowed(width..<2 * width, along: 1)
        var scores = try image.matmul(text.transposed(0, 1))
        if Set(images).count < count {
            let excluded = (0..<count * count).map { index -> Float in
                let (row, column) = (index / count, index % count)
                return row != column && images[row] == images[column] ? -.infinity : 0
            }
            scores = try scores + Tensor(excluded, shape: [count, count]).moved(to: places.device)
        }
        let own = try Tensor((0..<count).map(Int64.init)).moved(to: places.device)
        let texts = try scores.crossEntropy(own, summed: true)
        return try (texts + scores.transposed(0, 1).crossEntropy(own, summed: true)) * 0.5
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
