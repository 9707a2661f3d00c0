public import GraftModels
public import GraftTorch

extension NamedClasses {
    /// Takes the classes of a zero-shot classifier.
    ///
    /// - Throws: `TorchError` if the scale cannot be read, for which no cause is known.
    public init(_ classifier: ZeroShotClassifier) throws(TorchError) {
        self.init(places: classifier.weights, scale: try classifier.encoder.model.scale)
    }
}

extension FeatureClassifier {
    /// Learns from images with a class each, by cross entropy.
    ///
    /// - Parameters:
    ///   - features: Where the images are: float32 [images, width]
    ///   - labels: Their classes.
    ///   - classes: The classes by name.
    ///   - options: Epochs, batches, learning rate and its schedule, the optimizer and the seed.
    ///   - onStep: Told the mean loss of each step.
    /// - Returns: The trained module.
    /// - Throws: ``TrainingError`` if a setting cannot be used or the loss is not finite.
    public func trained(
        on features: Tensor,
        labels: [Int],
        classes: NamedClasses,
        options: TrainingOptions,
        onStep: (Double) -> Void = { _ in }
    ) throws -> Self {
        try options.check()
        let buffer = try ParameterBuffer(parameters)
        let learning = replacing(buffer.leaves)
        var optimizer = try AdamW(for: buffer, settings: options.optimizer)
        let plan = TrainingPlan(rows: labels.count, options: options)
        for step in 0..<plan.steps {
            let order = plan.order(epoch: step / plan.stepsPerEpoch)
            let rows = plan.batches(step: step % plan.stepsPerEpoch, of: order).flatMap(\.self)
            let batch = try features.selecting(Tensor(rows.map(Int64.init)))
            let loss = try learning.logits(batch, classes: classes)
                .crossEntropy(Tensor(rows.map { Int64(labels[$0]) }))
            let value = try loss.item()
            guard value.isFinite else {
                throw TrainingError.notFinite(step: step + 1, checkpoint: nil)
            }
            onStep(value)
            let gradient = try buffer.flattened(gradients(of: loss, for: buffer.leaves))
            try optimizer.update(
                0..<buffer.count,
                of: buffer,
                gradients: gradient,
                learningRate: plan.learningRate(step)
            )
            optimizer.finishStep()
        }
        guard try buffer.areFinite else {
            throw TrainingError.notFinite(step: plan.steps, checkpoint: nil)
        }
        return replacing(try buffer.leaves.map { leaf throws(TorchError) in try leaf.detached() })
    }

    /// The share of images whose class is right.
    ///
    /// - Parameters:
    ///   - features: Where the images are: float32 [images, width]
    ///   - labels: Their classes.
    ///   - classes: The classes by name.
    /// - Returns: From 0 to 1.
    /// - Throws: ``MetricsError`` without images; `TorchError` if shapes do not fit.
    public func accuracy(
        on features: Tensor,
        labels: [Int],
        classes: NamedClasses
    ) throws -> Double {
        try checkCounts(features.size(0), labels.count)
        let count = classes.places.size(0)
        let values: [Float] = try logits(features, classes: classes).values()
        let right = labels.enumerated().count { row, label in
            values[row * count..<(row + 1) * count].largestIndex == label
        }
        return Double(right) / Double(labels.count)
    }
}
