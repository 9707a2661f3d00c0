public import GraftTorch

/// Root mean square normalisation, `x / √(mean(x²) + ε) · weight`.
///
/// Reference: Zhang and Sennrich, [Root Mean Square Layer
/// Normalization](https://arxiv.org/abs/1910.07467). The mean is taken in float32 whatever the
/// element type, as `transformers` does.
public struct RMSNorm: AffineNormalization {
    public let weight: Tensor
    /// What an adapter adds; the norm itself has no shift.
    public let bias: Tensor?
    /// What is added to the mean square.
    public let epsilon: Double

    /// Normalises with given parameters.
    public init(weight: Tensor, bias: Tensor? = nil, epsilon: Double) {
        self.weight = weight
        self.bias = bias
        self.epsilon = epsilon
    }

    /// Asks `scope` for `weight`; a new one starts as the identity.
    public init(_ size: Int, epsilon: Double, _ scope: ParameterScope) throws {
        self.init(
            weight: try scope.parameter("weight", shape: [size], initial: .ones),
            epsilon: epsilon
        )
    }

    public func callAsFunction(_ x: Tensor) throws(TorchError) -> Tensor {
        let normalized = try x.rmsNorm(weight: weight, epsilon: epsilon)
        return if let bias { try normalized + bias } else { normalized }
    }

    public func replacing(weight: Tensor, bias: Tensor?) -> RMSNorm {
        RMSNorm(weight: weight, bias: bias, epsilon: epsilon)
    }
}
