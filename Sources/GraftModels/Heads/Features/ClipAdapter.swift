internal import GraftLayers
public import GraftTorch

/// CLIP-Adapter: where an image is, mixed with what two trained projections make of it.
///
/// `ratio · relu(relu(f Dᵀ) Uᵀ) + (1 - ratio) · f`, then as zero-shot classification.
///
/// Reference: Gao et al., [CLIP-Adapter](https://arxiv.org/abs/2110.04544), section 3.2; numerically
/// `trainers/clip_adapter.py` of gaopengcuhk/CLIP-Adapter.
public struct ClipAdapter: FeatureClassifier {
    private let down: Tensor  // [width / reduction, width]
    private let up: Tensor  // [width, width / reduction]
    /// The share of what is trained.
    public let ratio: Double

    /// Creates an adapter at its start values, which are those of torch's linear layers.
    ///
    /// - Parameters:
    ///   - width: The width of the space.
    ///   - reduction: What the width is divided by in between.
    ///   - ratio: The share of what is trained, from 0 to 1.
    ///   - seed: What the start values depend on.
    /// - Throws: `ConfigurationError` naming a setting that cannot be used.
    public init(width: Int, reduction: Int = 4, ratio: Double = 0.2, seed: UInt64 = 0) throws {
        guard reduction > 0 else {
            throw ConfigurationError(
                field: "reduction",
                problem: "must be positive, found \(reduction)"
            )
        }
        let inner = max(1, width / reduction)
        try FeatureHead.clipAdapter(innerSize: inner, ratio: ratio).check()
        let fresh = ParameterScope(FreshParameters(seed: seed))
        self.init(
            down: try fresh.parameter(
                "down",
                shape: [inner, width],
                initial: .kaimingUniform(fanIn: width)
            ),
            up: try fresh.parameter(
                "up",
                shape: [width, inner],
                initial: .kaimingUniform(fanIn: inner)
            ),
            ratio: ratio
        )
    }

    package init(down: Tensor, up: Tensor, ratio: Double) {
        (self.down, self.up, self.ratio) = (down, up, ratio)
    }

    public var kind: FeatureHead { .clipAdapter(innerSize: down.size(0), ratio: ratio) }
    public var parameters: [(name: String, value: Tensor)] { [("down", down), ("up", up)] }

    public func replacing(_ values: [Tensor]) -> ClipAdapter {
        ClipAdapter(down: values[0], up: values[1], ratio: ratio)
    }

    public func logits(
        _ features: Tensor,
        classes: NamedClasses
    ) throws(TorchError) -> Tensor {
        let adapted = try features.linear(down).relu().linear(up).relu()
        return try classes.logits(adapted * ratio + features * (1 - ratio))
    }
}
