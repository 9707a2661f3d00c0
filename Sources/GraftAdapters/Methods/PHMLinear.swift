internal import GraftLayers
internal import GraftTorch

/// The rules of composed projections: how blocks of the input contribute to blocks of the output.
struct PHMRule: Sendable {
    private enum Values: Sendable {
        case whole(Tensor)  // [n, n, n]
        case factors(Tensor, Tensor)  // [n, n, 1], [n, 1, n]
    }

    private let values: Values
    private let isTrained: Bool

    /// Asks `scope` for `rule`, or `rule_left` and `rule_right`.
    init(
        _ settings: Bottleneck.Hypercomplex,
        isShared: Bool,
        _ scope: ParameterScope,
        _ seeded: (Initializer) -> Initializer
    ) throws {
        let n = settings.dimension
        let start = seeded(settings.ruleStart(isShared: isShared))
        values =
            settings.factorsRules
            ? .factors(
                try scope.parameter("rule_left", shape: [n, n, 1], initial: start),
                try scope.parameter("rule_right", shape: [n, 1, n], initial: start)
            ) : .whole(try scope.parameter("rule", shape: [n, n, n], initial: start))
        isTrained = settings.trainsRules
    }

    // rule[k][i, j]: [n, n, n]
    func callAsFunction() throws(TorchError) -> Tensor {
        let rule =
            switch values {
            case .whole(let rule): rule
            case .factors(let left, let right): try left.matmul(right)
            }
        return isTrained ? rule : try rule.detached()
    }
}

/// The weights of a composed projection.
enum PHMWeight: Sendable {
    /// [n, input / n, output / n]
    case whole(Tensor)
    /// [n, input / n, rank] and [n, rank, output / n]
    case factors(Tensor, Tensor)

    /// Asks `scope` for `weight`, or `left` and `right`.
    init(
        _ settings: Bottleneck.Hypercomplex,
        input: Int,
        output: Int,
        _ scope: ParameterScope,
        _ seeded: (Initializer) -> Initializer
    ) throws {
        let n = settings.dimension
        func parameter(_ name: String, _ rows: Int, _ columns: Int) throws -> Tensor {
            let start = seeded(settings.start(rows: rows, columns: columns))
            return try scope.parameter(name, shape: [n, rows, columns], initial: start)
        }
        self =
            settings.factorsWeights
            ? .factors(
                try parameter("left", input / n, settings.rank),
                try parameter("right", settings.rank, output / n)
            ) : .whole(try parameter("weight", input / n, output / n))
    }
}

/// A projection that is a sum of Kronecker products: `y = x Σ rule[k] ⊗ weight[k] + b`.
///
/// Reference: `adapters` 1.3.0, `methods/modeling.py`, `PHMLayer`, which makes the whole matrix.
struct PHMLinear: Sendable {
    private let rule: PHMRule
    private let weight: PHMWeight
    private let bias: Tensor?  // [output]

    /// Asks `scope` for what is not shared.
    init(
        _ settings: Bottleneck.Hypercomplex,
        input: Int,
        output: Int,
        sharedRule: PHMRule?,
        sharedWeight: PHMWeight?,
        _ scope: ParameterScope,
        _ seeded: (Initializer) -> Initializer
    ) throws {
        rule = try sharedRule ?? PHMRule(settings, isShared: false, scope, seeded)
        weight =
            try sharedWeight
            ?? PHMWeight(settings, input: input, output: output, scope, seeded)
        bias =
            settings.hasBias
            ? try scope.parameter("bias", shape: [output], initial: .zeros) : nil
    }

    // x: [tokens, input] -> [tokens, output]
    func callAsFunction(_ x: Tensor) throws(TorchError) -> Tensor {
        let product =
            switch weight {
            case .whole(let weight): try x.matmul(matrix(rule(), weight))
            case .factors(let left, let right): try product(x, rule(), left, right)
            }
        return if let bias { try product + bias } else { product }
    }

    /// The sum of products as a matrix: [input, output].
    private func matrix(_ rule: Tensor, _ weight: Tensor) throws(TorchError) -> Tensor {
        let (n, rows, columns) = (weight.size(0), weight.size(1), weight.size(2))
        return try rule.reshaped(n, n * n).transposed(0, 1)  // [(i, j), k]
            .matmul(weight.reshaped(n, rows * columns))  // [(i, j), (row, column)]
            .reshaped(n, n, rows, columns).transposed(1, 2)
            .reshaped(n * rows, n * columns)
    }

    /// The product without the matrix: blocks of the input are made small by `left`, mixed by the
    /// rules, and made blocks of the output by `right`.
    private func product(
        _ x: Tensor,
        _ rule: Tensor,
        _ left: Tensor,
        _ right: Tensor
    ) throws(TorchError) -> Tensor {
        let (n, rows, rank, columns) = (left.size(0), left.size(1), left.size(2), right.size(2))
        let (tokens, inner) = (x.size(0), n * rank)
        let small = try x.reshaped(tokens * n, rows)
            .matmul(left.transposed(0, 1).reshaped(rows, inner))
            .reshaped(tokens, n * inner)  // [tokens, (i, k, r)]
        let same = try Tensor(identity: inner).reshaped(1, n, rank, 1, n, rank).moved(to: x.device)
        let mixing = try rule.transposed(0, 1).reshaped(n, n, 1, n, 1, 1) * same
        return try small.matmul(mixing.reshaped(n * inner, n * inner))  // [tokens, (j, k, r)]
            .reshaped(tokens * n, inner)
            .matmul(right.reshaped(inner, columns))
            .reshaped(tokens, n * columns)
    }
}

/// What all adapters of a model share.
struct PHMShared: Sendable {
    let rule: PHMRule?
    let down: PHMWeight?
    let up: PHMWeight?

    /// Asks `scope` for `rule` and the weights of `down` and `up`, as far as they are shared.
    init(
        _ settings: Bottleneck.Hypercomplex,
        size: Int,
        width: Int,
        _ scope: ParameterScope,
        _ seeded: (Initializer) -> Initializer
    ) throws {
        func weight(_ name: String, _ input: Int, _ output: Int) throws -> PHMWeight {
            try PHMWeight(settings, input: input, output: output, scope / name, seeded)
        }
        rule =
            settings.sharesRules
            ? try PHMRule(settings, isShared: true, scope, seeded) : nil
        down = settings.sharesWeights ? try weight("down", size, width) : nil
        up = settings.sharesWeights ? try weight("up", width, size) : nil
    }
}
