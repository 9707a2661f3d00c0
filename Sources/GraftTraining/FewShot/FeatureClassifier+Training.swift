internal import GraftModels
public import GraftTorch

/// Classes known by their names, as a CLIP model places them.
public struct NamedClasses: Sendable {
    /// Where each class is: float32 [classes, width], each of length 1.
    public let places: Tensor
    /// What cosines are multiplied with.
    public let scale: Double

    /// Takes the classes of a zero-shot classifier.
    ///
    /// - Throws: `TorchError` if the scale cannot be read, for which no cause is known.
    public init(_ classifier: ZeroShotClassifier) throws(TorchError) {
        places = classifier.weights
        scale = try classifier.encoder.model.logitScale.converted(to: .float32).exponential().item()
    }

    /// Takes places and a scale.
    package init(places: Tensor, scale: Double) { (self.places, self.scale) = (places, scale) }

    /// The logits of images at some places, of any length: [images, width] -> [images, classes].
    func logits(_ features: Tensor) throws(TorchError) -> Tensor {
        try features.unitRows().linear(places) * scale
    }
}

/// A small module on the places of images that learns from a few of each class.
///
/// It acts behind the frozen model, so that images are placed once and training takes seconds.
public protocol FeatureClassifier: Sendable {
    /// What is trained, by name.
    var parameters: [(name: String, value: Tensor)] { get }

    /// The same with other values of what is trained, in the order of ``parameters``.
    func replacing(_ values: [Tensor]) -> Self

    /// Scores images.
    ///
    /// - Parameters:
    ///   - features: Where images are, of any length: float32 [images, width]
    ///   - classes: The classes by name.
    /// - Returns: float32 [images, classes]
    /// - Throws: `TorchError` if shapes do not fit.
    func logits(_ features: Tensor, classes: NamedClasses) throws(TorchError) -> Tensor
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

/// The classes by name alone: what the others are compared with.
public struct ZeroShot: FeatureClassifier {
    /// A classifier that learns nothing.
    public init() {}

    public var parameters: [(name: String, value: Tensor)] { [] }

    public func replacing(_ values: [Tensor]) -> ZeroShot { self }

    public func logits(
        _ features: Tensor,
        classes: NamedClasses
    ) throws(TorchError) -> Tensor { try classes.logits(features) }
}
