internal import GraftLayers
internal import GraftModels
internal import GraftTorch

extension Trainer {
    /// The loss of a batch whose rows are compared with one another, and its gradient.
    ///
    /// A part of such a batch has no loss of its own. So parts are computed twice: first for their outputs
    /// alone, by which the loss of the whole batch is derived; then once more, recorded, to take that derivative through
    /// the model. The memory is that of a part for each worker, whatever the batch, and the result that of the whole:
    /// dropout masks are hashes, and the same both times.
    ///
    /// Reference: Gao et al., [Scaling Deep Contrastive Learning Batch Size under Memory Limited
    /// Setup](https://arxiv.org/abs/2101.06983).
    ///
    /// - Parameters:
    ///   - shards: The rows of each part.
    ///   - data: All rows.
    ///   - share: What the sum of the rows' losses is multiplied with.
    ///   - seed: What dropout depends on.
    ///   - batches: The number of batches in a step.
    /// - Returns: The loss, and its gradient: float32 [parameters].
    /// - Throws: `TorchError` if a row is too long for the model or memory runs out.
    func comparedGradient(
        _ shards: [[Int]],
        in data: EncodedRows,
        share: Double,
        seed: UInt64,
        batches: Int
    ) throws -> (loss: Double, gradient: Tensor) {
        @Sendable func output(_ rows: [Int]) throws -> Tensor {
            try model.logits(data.batch(rows, device: model.device), dropoutSeed: seed)
        }
        let outputs = try workers.map(shards.count) { index in
            try withoutGradients { () throws in try output(shards[index]) }
        }
        let whole = try Tensor.concatenated(outputs).trainable()
        let loss = try self.loss.sum(whole, of: shards.flatMap(\.self), in: data) * share
        let derivative = try gradients(of: loss, for: [whole])[0]
        var starts = [0]
        for shard in shards { starts.append(starts[starts.count - 1] + shard.count) }
        var sum = try summedGradient(shards.count) { [starts] index in
            let part = try derivative.narrowed(starts[index]..<starts[index + 1])
            let gradients = try gradients(
                of: output(shards[index]),
                seed: part.contiguous(),
                for: parameters.leaves
            )
            return (0, try parameters.flattened(gradients))
        }.gradient
        var total = try loss.item()
        if let penalty = try model.adapters.penalty() {
            let term = try penalty * (1 / Double(batches))
            total += try term.item()
            sum =
                try sum
                + parameters.flattened(gradients(of: term, for: parameters.leaves))
        }
        return (total, sum)
    }
}
