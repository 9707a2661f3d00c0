public import GraftLayers
internal import GraftTorch

/// Trains the weights and biases of the model's norms and nothing else, as a baseline.
///
/// Reference: Zhao et al., [Tuning LayerNorm in Attention](https://arxiv.org/abs/2312.11420).
public struct LayerNormTuning: AdapterMethod, Hashable {
    public static let identifier = "layer_norm"
    public static let presets: KeyValuePairs<String, LayerNormTuning> = [
        "layer_norm": LayerNormTuning()
    ]

    init() {}

    public init(from decoder: any Decoder) throws {
        _ = try decoder.fields(NoSettings.self)
    }

    public func encode(to encoder: any Encoder) throws {
        _ = encoder.container(keyedBy: NoSettings.self)
    }

    public var defaultLearningRate: Double { 1e-3 }

    public func attach(
        to target: NormSite,
        _ scope: ParameterScope
    ) throws -> (any NormAdapter)? {
        try TrainedNorm(target, trainsWeight: true, scope)
    }
}

/// A norm whose parameters start as the frozen ones and are trained.
struct TrainedNorm: NormAdapter {
    private let weight: Tensor?  // [size]
    private let bias: Tensor?  // [size]

    init(_ target: NormSite, trainsWeight: Bool, _ scope: ParameterScope) throws {
        let (frozen, shape) = (target.norm, target.norm.weight.shape)
        weight =
            trainsWeight
            ? try scope.parameter("weight", shape: shape, initial: .copy(frozen.weight)) : nil
        bias = try frozen.bias.map {
            try scope.parameter("bias", shape: shape, initial: .copy($0))
        }
    }

    func replacing(_ norm: any AffineNormalization) -> any Normalization {
        MixedNorm(norm: norm.replacing(weight: weight ?? norm.weight, bias: bias))
    }
}

/// A norm with float32 parameters over hidden states of any element type.
private struct MixedNorm: Normalization {
    let norm: any AffineNormalization

    func callAsFunction(_ x: Tensor) throws(TorchError) -> Tensor {
        let dtype = try x.dtype
        let weight = try norm.weight.converted(to: dtype)
        let bias = try norm.bias?.converted(to: dtype)
        return try norm.replacing(weight: weight, bias: bias)(x)
    }
}

/// The keys of methods without settings.
enum NoSettings: CodingKey, CaseIterable {}
