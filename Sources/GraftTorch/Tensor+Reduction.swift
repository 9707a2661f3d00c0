internal import CGraftTorch

extension Tensor {
    /// The sum of all elements, a scalar.
    public func sum() throws(TorchError) -> Tensor {
        try reduced("sum", dimension: 0, all: true, keep: false, mean: false)
    }

    /// The sum along one dimension, which stays as size 1 if `keepingDimension`.
    public func sum(
        along dimension: Int,
        keepingDimension: Bool = false
    ) throws(TorchError) -> Tensor {
        try reduced("sum", dimension: dimension, all: false, keep: keepingDimension, mean: false)
    }

    /// The mean of all elements, a scalar.
    public func mean() throws(TorchError) -> Tensor {
        try reduced("mean", dimension: 0, all: true, keep: false, mean: true)
    }

    /// The mean along one dimension, which stays as size 1 if `keepingDimension`.
    public func mean(
        along dimension: Int,
        keepingDimension: Bool = false
    ) throws(TorchError) -> Tensor {
        try reduced("mean", dimension: dimension, all: false, keep: keepingDimension, mean: true)
    }

    /// This gradient, scaled down if its norm exceeds `limit`, and the norm that it had.
    ///
    /// Values are those of `torch.nn.utils.clip_grad_norm_` for parameters laid end to end.
    ///
    /// - Parameter limit: The largest norm; 0 for no limit.
    /// - Returns: The gradient to use, and the norm of this one.
    /// - Throws: ``TorchError`` if memory runs out.
    public func clipped(
        toNorm limit: Double
    ) throws(TorchError) -> (gradient: Tensor, norm: Double) {
        let norm = try squared().sum().item().squareRoot()
        let scale = limit > 0 ? Swift.min(1, limit / (norm + 1e-6)) : 1
        return (try self * scale, norm)
    }

    /// Probabilities along one dimension.
    public func softmax(along dimension: Int) throws(TorchError) -> Tensor {
        try Tensor.call("softmax", on: [self]) { out in
            withRaw { gt_softmax($0, Int64(dimension), false, &out) }
        }
    }

    /// Logarithms of the probabilities along one dimension.
    public func logSoftmax(along dimension: Int) throws(TorchError) -> Tensor {
        try Tensor.call("log_softmax", on: [self]) { out in
            withRaw { gt_softmax($0, Int64(dimension), true, &out) }
        }
    }

    private func reduced(
        _ name: StaticString,
        dimension: Int,
        all: Bool,
        keep: Bool,
        mean: Bool
    ) throws(TorchError) -> Tensor {
        try Tensor.call(name, on: [self]) { out in
            withRaw { gt_sum($0, Int64(dimension), all, keep, mean, &out) }
        }
    }
}
