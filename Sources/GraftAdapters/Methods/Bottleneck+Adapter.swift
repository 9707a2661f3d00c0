internal import GraftLayers
internal import GraftTorch

/// One bottleneck adapter at one site.
///
/// With `h` the sub-layer's output, `x` the block's residual and `LN` the block's norm, the
/// sequential form returns `s · up(act(down(z))) + r`, where `z` is `h` or `LN(h + x)` and `r` one
/// of `h`, `z`, `h + x`; the parallel form returns `h + s · up(act(down(x)))`.
///
/// Reference: `adapters` 1.3.0, `methods/modeling.py`, `Adapter` and `ParallelAdapter`.
struct BottleneckAdapter: FusableAdapter {
    private let method: Bottleneck
    private let normBefore: LayerNorm?
    private var down: BottleneckProjection  // [tokens, size] -> [tokens, width]
    private var up: BottleneckProjection  // [tokens, width] -> [tokens, size]
    private let normAfter: LayerNorm?
    private let scaling: Tensor?  // [1] or [size]
    private let gate: Linear?  // [1, size]

    init(
        _ method: Bottleneck,
        size: Int,
        width: Int,
        shared: PHMShared?,
        _ scope: ParameterScope
    ) throws {
        self.method = method
        // torch's own default epsilon, as nn.LayerNorm(size) has.
        let epsilon = 1e-5
        normBefore =
            method.normBefore ? try LayerNorm(size, epsilon: epsilon, scope / "norm_before") : nil
        normAfter =
            method.normAfter ? try LayerNorm(size, epsilon: epsilon, scope / "norm_after") : nil
        down = try method.projection(
            (size, width, method.downStart(fanIn: size)),
            shared?.rule,
            shared?.down,
            scope / "down"
        )
        up = try method.projection(
            (width, size, method.upStart),
            shared?.rule,
            shared?.up,
            scope / "up"
        )
        scaling =
            switch method.scaling {
            case .constant: nil
            case .learned: try scope.parameter("scaling", shape: [1], initial: .ones)
            case .channel: try scope.parameter("scaling", shape: [size], initial: .ones)
            }
        gate =
            method.isGated
            ? try Linear(
                size,
                1,
                scope / "gate",
                weightStart: method.seeded(.normal(deviation: 0.02)),
                biasStart: .zeros
            ) : nil
    }

    var isTokenwise: Bool { !method.isGated }
    var canFuse: Bool { !method.normAfter && method.keepsBlockOutput }
    var keepsBlockOutput: Bool { method.keepsBlockOutput }

    func callAsFunction(
        _ state: HiddenState,
        in context: ForwardContext
    ) throws(TorchError) -> Tensor {
        let (input, residual) = try operands(state)
        let x = try change(of: input, at: state.site, in: context)
        let base = try residual.converted(to: .float32)
        let result: Tensor
        if let normAfter {
            result =
                method.residualBeforeOwnNorm && !method.isParallel
                ? try normAfter(x + base) : try normAfter(x) + base
        } else {
            result = try x + base
        }
        return try result.converted(to: state.output.dtype)
    }

    func change(
        of input: Tensor,
        at site: Site,
        in context: ForwardContext
    ) throws(TorchError) -> Tensor {
        // Adapters compute in float32 whatever the frozen model computes in.
        let z = try input.converted(to: .float32)
        var x = z
        if let normBefore { x = try normBefore(x) }
        x = try up(method.activation(down(x)))
        x = try context.dropout(x, method.stochasticDepth, at: site, "depth", wholeRows: true)
        switch (method.scaling, scaling) {
        case (.constant(let factor), _): x = try x * factor
        case (_, let scaling?): x = try x * scaling
        case (_, nil): break
        }
        x = try context.dropout(x, method.dropout, at: site, "adapter")
        guard let gate else { return x }
        let means = try context.layout.rowMeans(gate(z).sigmoid())
        return try x * context.layout.repeatedForTokens(means)
    }

    func operands(
        _ state: HiddenState
    ) throws(TorchError) -> (input: Tensor, residual: Tensor) {
        if method.isParallel { return (state.residual, state.output) }
        guard method.readsBlockNorm else { return (state.output, state.output) }
        let sum = try state.output + state.residual
        let input = try state.norm?(sum) ?? sum
        return switch method.residual {
        case .output: (input, state.output)
        case .input: (input, input)
        case .sum: (input, sum)
        }
    }
}

extension BottleneckAdapter: JoinableHiddenAdapter {
    private struct Kind: Hashable {
        let method: Bottleneck
        let shape: [Int]
    }

    // What an adapter has besides its two projections would need a value for each token.
    var kind: AnyHashable? {
        guard case .constant = method.scaling, !method.normBefore, !method.normAfter,
            !method.isGated, case .dense(let linear) = down
        else { return nil }
        return Kind(method: method, shape: [linear.weight.inputSize, linear.weight.outputSize])
    }

    static func joined(
        _ members: [BottleneckAdapter],
        offsets: [Int64]
    ) throws(TorchError) -> any HiddenAdapter {
        var result = members[0]
        result.down = try .segmented(members.map(\.down), offsets: offsets)
        result.up = try .segmented(members.map(\.up), offsets: offsets)
        return result
    }
}

extension BottleneckProjection {
    /// The dense ones among some, each for a stretch of tokens.
    fileprivate static func segmented(
        _ members: [BottleneckProjection],
        offsets: [Int64]
    ) throws(TorchError) -> BottleneckProjection {
        var (weights, biases): ([Tensor], [Tensor]) = ([], [])
        for case .dense(let linear) in members {
            weights.append(try linear.weight.dense())
            if let bias = linear.bias { biases.append(bias) }
        }
        return .segmented(SegmentedLinear(weights: weights, biases: biases, offsets: offsets))
    }
}

extension Bottleneck {
    fileprivate func downStart(fanIn: Int) -> Initializer {
        switch start {
        case .bert: seeded(.normal(deviation: 0.02))
        case .mam: seeded(.kaimingUniform(fanIn: fanIn))
        case .houlsby: seeded(.truncatedNormal(deviation: 0.01, bound: 0.02))
        }
    }

    fileprivate var upStart: Initializer {
        switch start {
        case .bert: seeded(.normal(deviation: 0.02))
        case .mam: .zeros
        case .houlsby: seeded(.truncatedNormal(deviation: 0.01, bound: 0.02))
        }
    }

    /// A projection from one size to another.
    fileprivate func projection(
        _ shape: (input: Int, output: Int, start: Initializer),
        _ rule: PHMRule?,
        _ weight: PHMWeight?,
        _ scope: ParameterScope
    ) throws -> BottleneckProjection {
        if hypercomplex.isUsed {
            let linear = try PHMLinear(
                hypercomplex,
                input: shape.input,
                output: shape.output,
                sharedRule: rule,
                sharedWeight: weight,
                scope,
                seeded
            )
            return .composed(linear)
        }
        let linear = try Linear(
            shape.input,
            shape.output,
            scope,
            weightStart: shape.start,
            biasStart: .zeros
        )
        return .dense(linear)
    }
}
