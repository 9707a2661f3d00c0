public import GraftLayers
internal import GraftTorch

/// Trains every bias of the blocks and norms, and nothing else.
///
/// A projection's bias is stored as its difference from the frozen one, so that the adapter adds to
/// the frozen output and composes as others do.
///
/// Reference: Ben Zaken et al., [BitFit](https://arxiv.org/abs/2106.10199).
public struct BitFit: AdapterMethod, Hashable {
    public static let identifier = "bitfit"
    public static let presets: KeyValuePairs<String, BitFit> = ["bitfit": BitFit()]

    init() {}

    public init(from decoder: any Decoder) throws {
        _ = try decoder.fields(NoSettings.self)
    }

    public func encode(to encoder: any Encoder) throws {
        _ = encoder.container(keyedBy: NoSettings.self)
    }

    public var defaultLearningRate: Double { 1e-3 }

    public func attach(
        to target: LinearSite,
        _ scope: ParameterScope
    ) throws -> (any LinearAdapter)? {
        guard target.hasBias else { return nil }
        let shape = [target.outputSize]
        return Shift(bias: try scope.parameter("bias", shape: shape, initial: .zeros))
    }

    public func attach(
        to target: NormSite,
        _ scope: ParameterScope
    ) throws -> (any NormAdapter)? {
        target.hasBias ? try TrainedNorm(target, trainsWeight: false, scope) : nil
    }
}

/// Adds a trained bias to a projection's output.
private struct Shift: LinearAdapter {
    let bias: Tensor  // [output]

    func callAsFunction(
        input: Tensor,
        output: Tensor,
        in context: ForwardContext
    ) throws(TorchError) -> Tensor {
        try output + bias.converted(to: output.dtype)
    }
}
