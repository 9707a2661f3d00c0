internal import GraftLayers
internal import GraftModels
internal import GraftTorch
internal import Synchronization

extension Trainer {
    /// The loss of a batch whose rows are compared with one another, and its gradient.
    ///
    /// A part of such a batch has no loss of its own: the loss of the whole batch is derived by the parts' outputs, and that
    /// derivative is taken through the model a part at a time. What a part has recorded waits for it while there is
    /// memory (``waitingMemory``). Other parts are computed twice, first for their outputs alone, so that the memory is
    /// bounded whatever the batch; the bits are the same, for dropout masks are hashes.
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
        let recorded = Mutex<[Int: Tensor]>([:])
        let used = Torch.memoryInUse
        let outputs = try workers.map(shards.count) { index in
            guard Torch.memoryInUse - used < waitingMemory else {
                return try withoutGradients { () throws in try output(shards[index]) }
            }
            let result = try output(shards[index])
            recorded.withLock { $0[index] = result }
            return try result.detached()
        }
        let whole = try Tensor.concatenated(outputs).trainable()
        let loss = try self.loss.sum(whole, of: shards.flatMap(\.self), in: data) * share
        let derivative = try gradients(of: loss, for: [whole])[0]
        var starts = [0]
        for shard in shards { starts.append(starts[starts.count - 1] + shard.count) }
        var sum = try summedGradient(shards.count) { [starts] index in
            let part = try derivative.narrowed(starts[index]..<starts[index + 1])
            let waiting = recorded.withLock { $0.removeValue(forKey: index) }
            let gradients = try gradients(
                of: waiting ?? output(shards[index]),
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
