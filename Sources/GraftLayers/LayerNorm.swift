public import GraftTorch

/// A normalisation of hidden states over their last dimension.
public protocol Normalization: Sendable {
    /// Normalises each token: [tokens, size] -> [tokens, size].
    func callAsFunction(_ x: Tensor) throws(TorchError) -> Tensor
}

/// Layer normalisation, `(x - mean) / √(variance + ε) · weight + bias`.
///
/// Reference: Ba et al., [Layer Normalization](https://arxiv.org/abs/1607.06450).
public struct LayerNorm: Normalization {
    /// The scale: [size].
    public let weight: Tensor
    /// The shift: [size].
    public let bias: Tensor
    /// What is added to the variance.
    public let epsilon: Double

    /// Normalises with given parameters.
    public init(weight: Tensor, bias: Tensor, epsilon: Double) {
        self.weight = weight
        self.bias = bias
        self.epsilon = epsilon
    }

    /// Asks `scope` for `weight` and `bias`; new ones start as the identity.
    public init(_ size: Int, epsilon: Double, _ scope: ParameterScope) throws {
        weight = try scope.parameter("weight", shape: [size], initial: .ones)
        bias = try scope.parameter("bias", shape: [size], initial: .zeros)
        self.epsilon = epsilon
    }

    public func callAsFunction(_ x: Tensor) throws(TorchError) -> Tensor {
        try x.layerNorm(weight: weight, bias: bias, epsilon: epsilon)
    }
}
