internal import GraftLayers
internal import GraftTorch

/// An invertible adapter: the two halves of the embeddings change each other in turn.
///
/// NICE adds: `y₁ = x₁ + F(x₂)`, `y₂ = x₂ + G(y₁)`. GLOW scales too: `y₁ = e(s(x₂)) x₁ + t(x₂)`,
/// `y₂ = e(s(y₁)) x₂ + t(y₁)` with `e(s) = exp(c · 0.636 · atan(s / c))`, c = 5, `s` and `t` the two
/// halves of one network's output. `first` is the network of the second half, which changes the first.
///
/// Reference: Pfeiffer et al., [MAD-X](https://arxiv.org/abs/2005.00052), section 4.3; `adapters`
/// 1.3.0, `methods/modeling.py`. That GLOW applies no second network and fails at its inverse; this
/// is the one of FrEIA from which it was taken, after Kingma and Dhariwal,
/// [Glow](https://arxiv.org/abs/1807.03039).
struct Coupling: EmbeddingAdapter {
    /// A bottleneck without residual.
    private struct Network: Sendable {
        let down: Linear
        let up: Linear
        let activation: Activation

        init(
            _ method: Bottleneck,
            input: Int,
            output: Int,
            _ scope: ParameterScope
        ) throws {
            let width = max(1, Int(Double(input) / method.invertibleFactor))
            let start = method.seeded(.normal(deviation: 0.02))
            func linear(_ input: Int, _ output: Int, _ name: String) throws -> Linear {
                try Linear(input, output, scope / name, weightStart: start, biasStart: .zeros)
            }
            down = try linear(input, width, "down")
            up = try linear(width, output, "up")
            activation = method.activation
        }

        func callAsFunction(_ x: Tensor) throws(TorchError) -> Tensor {
            try up(activation(down(x)))
        }
    }

    private let kind: Bottleneck.Invertible
    private let first: Network
    private let second: Network
    /// The widths of the halves.
    private let halves: (Int, Int)

    init(
        _ method: Bottleneck,
        _ kind: Bottleneck.Invertible,
        size: Int,
        _ scope: ParameterScope
    ) throws {
        guard size > 1 else {
            throw ConfigurationError(
                field: "inv_adapter",
                problem: "embeddings of \(size) have no two halves"
            )
        }
        let (one, two) = (size / 2, size - size / 2)
        let outputs = kind == .nice ? 1 : 2
        first = try Network(method, input: two, output: one * outputs, scope / "first")
        second = try Network(method, input: one, output: two * outputs, scope / "second")
        halves = (one, two)
        self.kind = kind
    }

    func callAsFunction(
        _ embedded: Tensor,
        at site: Site,
        in context: inout ForwardContext
    ) throws(TorchError) -> Tensor {
        try coupled(embedded) { one, two throws(TorchError) in
            let changed = try change(one, by: first(two))
            return (changed, try change(two, by: second(changed)))
        }
    }

    func inverse(_ hidden: Tensor) throws(TorchError) -> Tensor {
        try coupled(hidden) { one, two throws(TorchError) in
            let original = try undo(two, by: second(one))
            return (try undo(one, by: first(original)), original)
        }
    }

    /// Applies a function to the halves in float32, whatever the model computes in.
    private func coupled(
        _ x: Tensor,
        _ body: (Tensor, Tensor) throws(TorchError) -> (Tensor, Tensor)
    ) throws(TorchError) -> Tensor {
        let (one, two) = halves
        let wide = try x.converted(to: .float32)
        let (a, b) = try body(
            wide.narrowed(0..<one, along: 1),
            wide.narrowed(one..<one + two, along: 1)
        )
        return try Tensor.concatenated([a, b], along: 1).converted(to: x.dtype)
    }

    private func change(_ half: Tensor, by output: Tensor) throws(TorchError) -> Tensor {
        guard kind == .glow else { return try half + output }
        let (logarithm, shift) = try scaleAndShift(output)
        return try logarithm.exponential() * half + shift
    }

    private func undo(_ half: Tensor, by output: Tensor) throws(TorchError) -> Tensor {
        guard kind == .glow else { return try half - output }
        let (logarithm, shift) = try scaleAndShift(output)
        return try (half - shift) * (logarithm * -1).exponential()
    }

    /// The logarithm of the factor, which is limited to ±5, and the term.
    private func scaleAndShift(
        _ output: Tensor
    ) throws(TorchError) -> (logarithm: Tensor, shift: Tensor) {
        let (limit, width) = (5.0, output.size(1) / 2)
        let scale = try output.narrowed(0..<width, along: 1)
        let shift = try output.narrowed(width..<2 * width, along: 1)
        return (try (scale * (1 / limit)).arctangent() * (limit * 0.636), shift)
    }
}
