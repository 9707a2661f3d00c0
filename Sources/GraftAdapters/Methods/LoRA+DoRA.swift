internal import GraftLayers
internal import GraftTorch

/// DoRA at one projection: `y = m / ‖V‖ · V x + b` with `V = W + s · B A` and the norm of each row.
///
/// The norm counts as a constant in differentiation (section 4.3 of the paper). It is computed
/// without forming `V`: with `w = ‖W‖²` of each row, which is frozen,
/// `‖V‖² = w + Σ B ∘ (2 s W Aᵀ + s² B (A Aᵀ))`, whose products are as narrow as the factors and run
/// through the frozen projection itself, however its weight is held.
///
/// Reference: Liu et al., [DoRA](https://arxiv.org/abs/2402.09353); numerically `peft` 0.21.2,
/// `tuners/lora/dora.py`, dropout included, which drops the frozen projection's input too.
struct DoRAAdapter: MergeableLinearAdapter {
    private let linear: Linear
    private let update: LowRankUpdate
    private let magnitude: Tensor  // [output]
    private let frozenSquares: Tensor  // [output]
    private let bias: Tensor?  // [output]
    private let dropout: Double
    private let site: Site

    init(
        _ target: LinearSite,
        update: LowRankUpdate,
        bias: Tensor?,
        dropout: Double,
        _ scope: ParameterScope
    ) throws {
        linear = target.linear
        site = target.site
        self.update = update
        self.bias = bias
        self.dropout = dropout
        // Laid out by rows, so that a sum has the same bits however many threads take part.
        frozenSquares = try linear.unmerged().weight.contiguous().squared().sum(along: 1)
        magnitude = try scope.parameter(
            "magnitude",
            shape: [target.outputSize],
            initial: .copy(DoRAAdapter.roots(frozenSquares).moved(to: .cpu))
        )
    }

    func callAsFunction(
        input: Tensor,
        output: Tensor,
        in context: ForwardContext
    ) throws(TorchError) -> Tensor {
        let dtype = try output.dtype
        let x = try input.converted(to: .float32)
        let y = try output.converted(to: .float32)
        let dropped = try context.dropout(x, dropout, at: site, "lora")
        let change = try update(x, dropped: dropped)
        let direction: Tensor  // V x: [tokens, output]
        if context.dropoutSeed != nil, dropout > 0 {
            let frozen = try linear.weight(dropped.converted(to: dtype), bias: nil)
            direction = try frozen.converted(to: .float32) + update(dropped, dropped: dropped)
        } else if let frozenBias = linear.bias {
            direction = try y - frozenBias.converted(to: .float32) + change
        } else {
            direction = try y + change
        }
        // As a change of y, so that a fresh adapter is the identity to the last bit.
        let gain = try magnitude / rowNorms(dtype) + -1
        var result = try y + change + gain * direction
        if let bias { result = try result + bias }
        return try result.converted(to: dtype)
    }

    // ‖V‖ of each row: [output]
    private func rowNorms(_ dtype: DType) throws(TorchError) -> Tensor {
        try withoutGradients { () throws(TorchError) in
            let (a, b) = try update.factors()
            let crossed = try linear.weight(a.converted(to: dtype), bias: nil)  // A Wᵀ
                .converted(to: .float32).transposed(0, 1)
            let grown = try b.matmul(a.matmul(a.transposed(0, 1)))
            return try DoRAAdapter.roots(frozenSquares + (b * (crossed * 2 + grown)).sum(along: 1))
        }
    }

    /// The roots of squared norms; a row of zeros has the least norm that can be divided by.
    private static func roots(_ squares: Tensor) throws(TorchError) -> Tensor {
        let positive = Double(Float.leastNormalMagnitude)...Double(Float.greatestFiniteMagnitude)
        return try squares.clamped(to: positive).squareRoot()
    }

    func merged(into linear: Linear) throws(TorchError) -> (weight: Tensor, bias: Tensor?) {
        let (weight, frozenBias) = try linear.unmerged()
        let direction = try weight + update.matrix()
        let norms = try DoRAAdapter.roots(direction.squared().sum(along: 1))
        let gain = try (magnitude.detached() / norms).reshaped(-1, 1)
        return (try direction * gain, try frozenBias?.adding(bias))
    }
}
