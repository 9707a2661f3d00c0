public import GraftTorch

/// What a frozen projection multiplies with: dense, packed, quantised or gathered.
///
/// Models never see which.
public protocol Weight: Sendable {
    var inputSize: Int { get }
    var outputSize: Int { get }

    /// `x Wᵀ + bias`: [tokens, input] -> [tokens, output]
    func callAsFunction(_ x: Tensor, bias: Tensor?) throws(TorchError) -> Tensor

    /// The whole matrix: [output, input]
    func dense() throws(TorchError) -> Tensor

    /// Lays the weight out for many products; it computes the same bits before and after.
    ///
    /// - Parameter forGradients: Whether gradients by inputs will be taken too.
    /// - Throws: `TorchError` if memory runs out.
    func pack(forGradients: Bool) throws(TorchError)
}

extension Weight {
    public func pack(forGradients: Bool) throws(TorchError) {}
}

/// A weight as the checkpoint stores it.
public struct DenseWeight: Weight {
    private let matrix: Tensor
    private let packed: PackedMatrix
    public let inputSize: Int
    public let outputSize: Int

    /// Wraps a matrix [output, input].
    public init(_ matrix: Tensor) {
        self.matrix = matrix
        packed = PackedMatrix(matrix)
        inputSize = matrix.size(1)
        outputSize = matrix.size(0)
    }

    public func callAsFunction(_ x: Tensor, bias: Tensor?) throws(TorchError) -> Tensor {
        try packed(x, bias: bias)
    }

    public func dense() throws(TorchError) -> Tensor { matrix }

    public func pack(forGradients: Bool) throws(TorchError) {
        try packed.pack(forGradients: forGradients)
    }
}

/// Where a checkpoint keeps the parameters of a projection.
public struct StoredProjection: Sendable, Hashable {
    /// The place of the parameters in the model, less the `weight` and `bias` themselves.
    public let path: String
    /// Whether the weight is stored as [input, output].
    public let isTransposed: Bool
    /// Which outputs are the projection's own, where several share the parameters.
    public let outputs: Range<Int>?

    /// Names a place.
    public init(_ path: String, isTransposed: Bool = false, outputs: Range<Int>? = nil) {
        self.path = path
        self.isTransposed = isTransposed
        self.outputs = outputs
    }
}

/// A linear map `y = x Wᵀ + b`.
public struct Linear: Sendable {
    /// [output, input], however it is held.
    public let weight: any Weight
    /// What is added: [output].
    public let bias: Tensor?
    /// Where its parameters are; `nil` if it has none of its own.
    public let stored: StoredProjection?

    /// Wraps a weight [output, input] and a bias [output].
    public init(weight: any Weight, bias: Tensor? = nil, stored: StoredProjection? = nil) {
        self.weight = weight
        self.bias = bias
        self.stored = stored
    }

    /// Asks `scope` for `weight` and, if wanted, `bias`.
    public init(
        _ input: Int,
        _ output: Int,
        bias: Bool = true,
        _ scope: ParameterScope,
        weightStart: Initializer = .stored,
        biasStart: Initializer = .stored
    ) throws {
        stored = StoredProjection(scope.path)
        let matrix = try scope.parameter("weight", shape: [output, input], initial: weightStart)
        weight = DenseWeight(matrix)
        self.bias = bias ? try scope.parameter("bias", shape: [output], initial: biasStart) : nil
    }

    // x: [tokens, input] -> [tokens, output]
    public func callAsFunction(_ x: Tensor) throws(TorchError) -> Tensor {
        try weight(x, bias: bias)
    }
}
