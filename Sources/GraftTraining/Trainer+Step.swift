internal import GraftAdapters
internal import GraftLayers
internal import GraftModels
internal import GraftTorch

extension Trainer {
    /// Moves the parameters against the gradient of some batches.
    ///
    /// - Returns: The mean loss and the norm of the gradient before clipping; `nil`, and nothing has
    ///   moved, if one of them is not finite.
    func step(
        _ batches: [[Int]],
        of data: EncodedRows,
        number: Int,
        _ plan: TrainingPlan,
        _ optimizer: inout AdamW,
        _ rule: inout (any StepRule)?,
        _ trunks: TrunkCache?
    ) throws -> (loss: Double, gradientNorm: Double)? {
        let (loss, gradient) = try gradient(
            batches,
            in: data,
            seed: plan.stepSeed(number),
            trunks: trunks
        )
        let (clipped, norm) = try gradient.clipped(toNorm: options.maxGradientNorm)
        guard loss.isFinite, norm.isFinite else { return nil }
        try update(optimizer, clipped, plan.learningRate(number))
        optimizer.finishStep()
        let changed = try rule?.act(
            after: number + 1,
            values: parameters.values,
            gradient: clipped
        )
        if let changed { try parameters.load(changed) }
        return (loss, norm)
    }

    /// A stretch of the parameters with one learning rate, short enough to be shared out.
    struct Segment {
        var range: Range<Int>
        let rateFactor: Double

        /// All parameters, in order.
        ///
        /// - Parameters:
        ///   - parameters: What is trained.
        ///   - factor: What the learning rate of a parameter is multiplied with.
        /// - Returns: Stretches that cover the buffer.
        static func all(
            of parameters: ParameterBuffer,
            factor: (String) -> Double
        ) -> [Segment] {
            var segments: [Segment] = []
            for slice in parameters.slices {
                let factor = factor(slice.name)
                if let last = segments.last, last.rateFactor == factor {
                    segments[segments.count - 1].range =
                        last.range.lowerBound..<slice.range.upperBound
                } else {
                    segments.append(Segment(range: slice.range, rateFactor: factor))
                }
            }
            let length = 1 << 18
            return segments.flatMap { segment in
                stride(from: segment.range.lowerBound, to: segment.range.upperBound, by: length).map
                {
                    let end = min($0 + length, segment.range.upperBound)
                    return Segment(range: $0..<end, rateFactor: segment.rateFactor)
                }
            }
        }
    }

    /// Steps all parameters, long buffers on all workers.
    private func update(_ optimizer: AdamW, _ gradient: Tensor, _ rate: Double) throws {
        _ = try workers.map(segments.count) { index in
            try optimizer.update(
                segments[index].range,
                of: parameters,
                gradients: gradient,
                learningRate: rate * segments[index].rateFactor
            )
        }
    }

    /// The mean loss of some batches and its gradient: float32 [parameters].
    ///
    /// Rows are shared out over the workers, and the parts' gradients are added in a fixed order.
    func gradient(
        _ batches: [[Int]],
        in data: EncodedRows,
        seed: UInt64,
        trunks: TrunkCache? = nil
    ) throws -> (loss: Double, gradient: Tensor) {
        let data = try options.augmentation.map { try data.augmented($0, seed: seed) } ?? data
        let outputs = model.head.configuration.outputCount
        var total = 0.0
        var sum: Tensor?
        for batch in batches {
            let weight = loss.weight(of: batch, in: data, outputs: outputs) * Double(batches.count)
            // A batch in which nothing counts (no tag, only classes of weight zero) moves nothing.
            let share = weight > 0 ? 1 / weight : 0
            let shards = workers.shards(
                batch,
                partLength: model.device == .cpu ? Workers.partLength : nil,
                length: data.length
            )
            guard !loss.comparesRows else {
                let (value, gradient) = try comparedGradient(
                    shards,
                    in: data,
                    share: share,
                    seed: seed,
                    batches: batches.count
                )
                total += value
                sum = try sum.map { try $0 + gradient } ?? gradient
                continue
            }
            @Sendable func part(_ index: Int) throws -> (loss: Double, gradient: Tensor) {
                let rows = shards[index]
                let value = try model.loss(
                    loss,
                    of: rows,
                    in: data,
                    dropoutSeed: seed,
                    trunks: trunks
                )
                var sum = try value * share
                // What the adapters add to the loss is of the batch, not of its rows.
                if index == 0, let penalty = try model.adapters.penalty() {
                    sum = try sum + penalty * (1 / Double(batches.count))
                }
                let gradients = try gradients(of: sum, for: parameters.leaves)
                return (try sum.item(), try parameters.flattened(gradients))
            }
            let whole = try summedGradient(shards.count, of: part)
            total += whole.loss
            sum = try sum.map { try $0 + whole.gradient } ?? whole.gradient
        }
        return (total, try sum ?? Tensor(zeros: [parameters.count], device: model.device))
    }

    /// The sum of the losses and gradients of a batch's parts.
    ///
    /// Which parts a worker takes is fixed, and it adds them up itself: there are as many gradients
    /// as workers, however many parts a batch has.
    ///
    /// - Parameters:
    ///   - count: The number of parts, at least one.
    ///   - part: Computes one.
    /// - Returns: The sums; gradients are float32 [parameters].
    /// - Throws: What `part` throws.
    func summedGradient(
        _ count: Int,
        of part: @Sendable (_ index: Int) throws -> (loss: Double, gradient: Tensor)
    ) throws -> (loss: Double, gradient: Tensor) {
        let turns = min(workers.count, count)
        let sums = try workers.map(turns) { worker in
            try stride(from: worker + turns, to: count, by: turns)
                .reduce(into: part(worker)) { sum, index in
                    let next = try part(index)
                    sum = (sum.loss + next.loss, try sum.gradient + next.gradient)
                }
        }
        return try sums.dropFirst().reduce(into: sums[0]) { sum, worker in
            sum = (sum.loss + worker.loss, try sum.gradient + worker.gradient)
        }
    }
}
