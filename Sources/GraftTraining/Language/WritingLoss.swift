internal import GraftLayers
internal import GraftModels
package import GraftTorch

/// What a model is to write behind some hidden states, and how likely it finds it.
///
/// The scores of a whole vocabulary are many times larger than the hidden states that they are computed from. They exist for
/// a stretch of tokens at a time, in training too: a stretch's loss is differentiated by the hidden states at once, and what
/// remains is one slope for each of these.
struct WritingLoss {
    /// What the vocabulary reads, for the tokens behind which something is wanted: [wanted, hidden].
    let states: Tensor
    /// What is wanted.
    let ids: [Int64]
    /// How many of them each row has.
    let counts: [Int]
    /// The projection to the vocabulary.
    let vocabulary: Linear
    /// Whether the vocabulary itself is in training.
    let isVocabularyTrained: Bool
    /// The tokens whose scores exist at a time.
    let stretch: Int

    /// The most scores that exist at a time: 16 MiB of float32.
    static let scoreLimit = 1 << 22

    /// The sum of the losses of all rows.
    ///
    /// - Parameter loss: How one is computed.
    /// - Returns: A scalar with the gradient of the sum by whatever the states were computed from.
    /// - Throws: `TorchError` if a token is none of the vocabulary, or memory runs out.
    func sum(_ loss: TaskLoss) throws(TorchError) -> Tensor {
        // The vocabulary's own gradient takes the recorded scores of all tokens.
        guard states.requiresGradient, !isVocabularyTrained, !ids.isEmpty else {
            return try self.loss(loss, states, 0..<ids.count)
        }
        var (value, slopes) = (0.0, [Tensor]())
        for first in stride(from: 0, to: ids.count, by: stretch) {
            let range = first..<min(first + stretch, ids.count)
            let part = try states.narrowed(range).detached().trainable()
            let sum = try self.loss(loss, part, range)
            value += try sum.item()
            slopes += try gradients(of: sum, for: [part])
        }
        // A plane with these slopes and, at this place, this height.
        let slope = try Tensor.concatenated(slopes).converted(to: .float32)
        let plane = try (states.converted(to: .float32) * slope).sum()
        return try plane - plane.detached() + value
    }

    /// The loss of each row, summed over its tokens; for evaluation, without gradients.
    func rowSums(_ loss: TaskLoss) throws(TorchError) -> [Double] {
        try withoutGradients { () throws(TorchError) in
            var sums = [Double](repeating: 0, count: counts.count)
            var (row, rowEnd) = (0, counts.first ?? 0)
            var first = 0
            while first < ids.count {
                let end = min(first + stretch, ids.count)
                let scores = try self.scores(states.narrowed(first..<end))
                var start = first
                while start < end {
                    while rowEnd <= start {
                        row += 1
                        rowEnd += counts[row]
                    }
                    let part = start..<min(rowEnd, end)
                    let rows = try scores.narrowed(
                        part.lowerBound - first..<part.upperBound - first
                    )
                    sums[row] += try loss.crossEntropy(rows, Array(ids[part])).item()
                    start = part.upperBound
                }
                first = end
            }
            return sums
        }
    }

    private func scores(_ states: Tensor) throws(TorchError) -> Tensor {
        try vocabulary(states).converted(to: .float32)
    }

    private func loss(
        _ loss: TaskLoss,
        _ states: Tensor,
        _ range: Range<Int>
    ) throws(TorchError) -> Tensor {
        try loss.crossEntropy(scores(states), Array(ids[range]))
    }
}

extension AdaptedModel {
    /// The sum of the losses of rows, in training.
    ///
    /// - Parameters:
    ///   - loss: How one is computed.
    ///   - rows: Which rows.
    ///   - data: All rows, with their targets.
    ///   - dropoutSeed: What dropout depends on.
    ///   - trunks: The states below what is trained, where they are kept.
    /// - Returns: A scalar that gradients can be taken of.
    /// - Throws: `TorchError` if the rows have no targets or a row is longer than the model's positions.
    func loss(
        _ loss: TaskLoss,
        of rows: [Int],
        in data: EncodedRows,
        dropoutSeed: UInt64?,
        trunks: TrunkCache?
    ) throws -> Tensor {
        if let writing = try writing(rows, in: data, dropoutSeed: dropoutSeed, trunks: trunks) {
            return try writing.sum(loss)
        }
        let batch = try data.batch(rows, device: device)
        let trunk = try trunks?.trunk(of: rows, in: data, batch)
        return try loss.sum(
            logits(batch, dropoutSeed: dropoutSeed, trunk: trunk),
            of: rows,
            in: data
        )
    }

    /// The sum of the losses of rows of a language model.
    ///
    /// - Parameters:
    ///   - loss: How one is computed.
    ///   - rows: Which rows.
    ///   - data: All rows, with their targets.
    ///   - stretch: The tokens whose scores exist at a time; by default those of a few megabytes.
    /// - Returns: A scalar that gradients can be taken of; `nil` where a trained head answers.
    /// - Throws: `TorchError` if the rows have no targets or a row is longer than the model's positions.
    package func writingLoss(
        _ loss: TaskLoss,
        of rows: [Int],
        in data: EncodedRows,
        stretch: Int? = nil
    ) throws -> Tensor? {
        try writing(rows, in: data, trunks: nil, stretch: stretch)?.sum(loss)
    }

    /// The hidden states behind which something is to be written; `nil` where a trained head answers.
    func writing(
        _ rows: [Int],
        in data: EncodedRows,
        dropoutSeed: UInt64? = nil,
        trunks: TrunkCache?,
        stretch: Int? = nil
    ) throws -> WritingLoss? {
        guard let writer = head.writer, let vocabulary = writer.vocabulary else { return nil }
        guard case .tokens(let targets) = data.targets else {
            throw TorchError(
                kind: .invalidArgument,
                operation: "loss",
                message: "the rows have no texts that are to be written"
            )
        }
        let batch = try data.batch(rows, device: device)
        let (places, ids) = targets.next(in: rows)
        let context = ForwardContext(
            layout: batch.layout,
            adapters: adapters,
            dropoutSeed: dropoutSeed
        )
        let output = try encoder(
            batch,
            in: context,
            wanted: .chosen(places),
            trunk: trunks?.trunk(of: rows, in: data, batch)
        )
        // Where nothing acts in a block, the trunk's states are those of all tokens.
        let isWhole = output.layout.tokenCount != places.count
        let hidden =
            try isWhole ? output.layout.keeping(tokens: places)(output.hidden) : output.hidden
        return WritingLoss(
            states: try writer.vocabularyInput(hidden, in: context),
            ids: ids,
            counts: rows.map { targets.count($0) },
            vocabulary: vocabulary,
            isVocabularyTrained: encoder.isTrained,
            stretch: stretch ?? max(8, WritingLoss.scoreLimit / vocabulary.weight.outputSize)
        )
    }
}
