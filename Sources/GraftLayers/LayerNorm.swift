public import GraftTorch

/// A normalisation of hidden states over their last dimension.
public protocol Normalization: Sendable {
    /// Normalises each token: [tokens, size] -> [tokens, size].
    func callAsFunction(_ x: Tensor) throws(TorchError) -> Tensor
}

/// A normalisation with a scale and perhaps a shift, which an adapter may replace.
public protocol AffineNormalization: Normalization {
    /// The scale: [size].
    var weight: Tensor { get }
    /// The shift: [size]; `nil` where the model has none.
    var bias: Tensor? { get }

    /// The same normalisation with other parameters.
    func replacing(weight: Tensor, bias: Tensor?) -> Self
}

/// Layer normalisation, `(x - mean) / √(variance + ε) · weight + bias`.
///
/// Reference: Ba et al., [Layer Normalization](https://arxiv.org/abs/1607.06450).
public struct LayerNorm: AffineNormalization {
    public let weight: Tensor
    public let bias: Tensor?
    /// What is added to the variance.
    public let epsilon: Double

    /// Normalises with given parameters.
    public init(weight: Tensor, bias: Tensor?, epsilon: Double) {
        self.weight = weight
        self.bias = bias
        self.epsilon = epsilon
    }

    /// Asks `scope` for `weight` and, if wanted, `bias`; new ones start as the identity.
    public init(_ size: Int, epsilon: Double, bias: Bool = true, _ scope: ParameterScope) throws {
        weight = try scope.parameter("weight", shape: [size], initial: .ones)
        self.bias = bias ? try scope.parameter("bias", shape: [size], initial: .zeros) : nil
        self.epsilon = epsilon
    }

    public func callAsFunction(_ x: Tensor) throws(TorchError) -> Tensor {
        try x.layerNorm(weight: weight, bias: bias, epsilon: epsilon)
    }

    public func replacing(weight: Tensor, bias: Tensor?) -> LayerNorm {
        LayerNorm(weight: weight, bias: bias, epsilon: epsilon)
    }
}
