internal import GraftLayers
public import GraftTorch

/// Tip-Adapter: a cache of a few images of each class, whose labels count by their likeness with the image asked about.
///
/// `scale · f Cᵀ + alpha · exp(-beta (1 - f Kᵀ)) V` with all rows of length 1: `C` the classes by name, `K` the cached
/// images, `V` their classes as ones. Nothing needs to be trained; Tip-Adapter-F trains `K`.
///
/// Reference: Zhang et al., [Tip-Adapter](https://arxiv.org/abs/2207.09519), sections 3.1 and 3.2; numerically
/// `main.py` of gaopengcuhk/Tip-Adapter. There, keys are means over ten random crops of an image; here a key is the image as the model reads it.
public struct TipAdapter: FeatureClassifier {
    private let keys: Tensor  // [images, width]
    private let values: Tensor  // [images, classes]
    /// How much the cache counts beside the names.
    public let alpha: Double
    /// How much alike an image must be to count.
    public let beta: Double

    /// Caches images.
    ///
    /// - Parameters:
    ///   - features: Where they are, of any length: float32 [images, width]
    ///   - labels: Their classes, each in `0 ..< classCount`.
    ///   - classCount: The number of classes.
    ///   - alpha: How much the cache counts beside the names.
    ///   - beta: How much alike an image must be to count.
    /// - Throws: `ConfigurationError` naming a setting that cannot be used; `TorchError` if memory runs out.
    public init(
        features: Tensor,
        labels: [Int],
        classCount: Int,
        alpha: Double = 1,
        beta: Double = 5.5
    ) throws {
        try FeatureHead.tipAdapter(images: labels.count, alpha: alpha, beta: beta).check()
        var flags = [Float](repeating: 0, count: labels.count * classCount)
        for (row, label) in labels.enumerated() { flags[row * classCount + label] = 1 }
        self.init(
            keys: try features.unitRows(),
            values: try Tensor(flags, shape: [labels.count, classCount]).moved(
                to: features.device
            ),
            alpha: alpha,
            beta: beta
        )
    }

    init(keys: Tensor, values: Tensor, alpha: Double, beta: Double) {
        (self.keys, self.values, self.alpha, self.beta) = (keys, values, alpha, beta)
    }

    public var kind: FeatureHead {
        .tipAdapter(images: keys.size(0), alpha: alpha, beta: beta)
    }
    public var parameters: [(name: String, value: Tensor)] { [("keys", keys)] }
    public var constants: [(name: String, value: Tensor)] { [("values", values)] }

    public func replacing(_ values: [Tensor]) -> TipAdapter {
        TipAdapter(keys: values[0], values: self.values, alpha: alpha, beta: beta)
    }

    /// The same cache with other settings.
    ///
    /// - Throws: `ConfigurationError` naming a setting that cannot be used.
    package func replacing(alpha: Double, beta: Double) throws -> TipAdapter {
        try FeatureHead.tipAdapter(images: keys.size(0), alpha: alpha, beta: beta).check()
        return TipAdapter(keys: keys, values: values, alpha: alpha, beta: beta)
    }

    public func logits(
        _ features: Tensor,
        classes: NamedClasses
    ) throws(TorchError) -> Tensor {
        let affinity = try features.unitRows().linear(keys)
        let counts = try (affinity * beta + -beta).exponential().matmul(values)
        return try classes.logits(features) + counts * alpha
    }
}
