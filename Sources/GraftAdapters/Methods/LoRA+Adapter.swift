internal import GraftLayers
internal import GraftTorch

/// The trained product `s · B A` of two narrow factors beside a frozen weight.
///
/// With PiSSA it is `s · (B A − B₀ A₀)`: the factors start as the leading part of the frozen weight,
/// which is subtracted again instead of being taken out of the weight, so that the weight stays
/// frozen and shared. `A₀` and `B₀` are functions of that weight and are computed when the adapter is
/// attached; files hold `A` and `B` alone, as large as those of any LoRA.
struct LowRankUpdate: Sendable {
    let a: Tensor  // [rank, input]
    let b: Tensor  // [output, rank]
    let start: (a: Tensor, b: Tensor)?
    let scale: Double

    // input, dropped (the same after dropout): float32 [tokens, input] -> [tokens, output]
    func callAsFunction(_ input: Tensor, dropped: Tensor) throws(TorchError) -> Tensor {
        let grown = try product(dropped, a, b)
        guard let start else { return grown }
        // What is subtracted is computed as the rest is, so that equal factors leave nothing.
        return try grown - product(input, start.a, start.b)
    }

    /// What is added to the frozen weight, `s · (B A − B₀ A₀)`: [output, input].
    func matrix() throws(TorchError) -> Tensor {
        let (a, b) = try factors()
        return try b.matmul(a)
    }

    /// Factors of ``matrix()``: [k, input] and [output, k].
    func factors() throws(TorchError) -> (a: Tensor, b: Tensor) {
        let b = try b.detached() * scale
        guard let start else { return (try a.detached(), b) }
        return (
            try Tensor.concatenated([a.detached(), start.a]),
            try Tensor.concatenated([b, start.b * -scale], along: 1)
        )
    }

    // Scaling the narrow product costs less than scaling the wide one.
    private func product(_ x: Tensor, _ a: Tensor, _ b: Tensor) throws(TorchError) -> Tensor {
        try (x.linear(a) * scale).linear(b)
    }
}

extension LoRA {
    /// Declares the factors of a projection.
    func update(for target: LinearSite, _ scope: ParameterScope) throws -> LowRankUpdate {
        let (site, input, output) = (target.site, target.inputSize, target.outputSize)
        let (rank, scale) = (rank(at: site), scale(at: site))
        var leading: (a: Tensor, b: Tensor)?
        if start == .pissa {
            guard rank <= min(input, output) else {
                throw ConfigurationError(
                    field: "r",
                    problem: "pissa takes at most rank \(min(input, output)) from \(site),"
                        + " found \(rank)"
                )
            }
            leading = try LoRA.leadingFactors(of: target.linear, rank: rank, scale: scale)
        }
        // Start values are made on the CPU, as all others are.
        let starts: (a: Initializer, b: Initializer) =
            switch (start, leading) {
            case (_, let leading?):
                (.copy(try leading.a.moved(to: .cpu)), .copy(try leading.b.moved(to: .cpu)))
            case (.bert, _): (.normal(deviation: 0.02), .normal(deviation: 0.02))
            default: (.kaimingUniform(fanIn: input), .zeros)
            }
        return LowRankUpdate(
            a: try scope.parameter("lora_A", shape: [rank, input], initial: seeded(starts.a)),
            b: try scope.parameter("lora_B", shape: [output, rank], initial: seeded(starts.b)),
            start: leading,
            scale: scale
        )
    }

    /// Declares the gate of a projection; it starts as `adapters` 1.3.0 starts it.
    func gate(inputSize: Int, _ scope: ParameterScope) throws -> Linear {
        try Linear(
            inputSize,
            1,
            scope,
            weightStart: seeded(.normal(deviation: 0.02)),
            biasStart: seeded(.kaimingUniform(fanIn: inputSize))
        )
    }

    private func seeded(_ start: Initializer) -> Initializer {
        start.seeded(startSeed)
    }

    /// Factors `B A` of the best approximation of a frozen weight by a rank, divided by the scale.
    private static func leadingFactors(
        of linear: Linear,
        rank: Int,
        scale: Double
    ) throws(TorchError) -> (a: Tensor, b: Tensor) {
        let (left, values, right) = try linear.unmerged().weight.singularValueDecomposition()
        let root = try (values.narrowed(0..<rank) * (1 / scale)).squareRoot()
        return (
            try (right.narrowed(0..<rank) * root.reshaped(rank, 1)).contiguous(),
            try (left.narrowed(0..<rank, along: 1) * root).contiguous()
        )
    }
}

/// LoRA at one projection: `y + s · B A x`.
struct LoRAAdapter: MergeableLinearAdapter {
    let update: LowRankUpdate
    let bias: Tensor?  // [output]
    let dropout: Double
    let site: Site

    func callAsFunction(
        input: Tensor,
        output: Tensor,
        in context: ForwardContext
    ) throws(TorchError) -> Tensor {
        // Adapters compute in float32 whatever the frozen model computes in.
        let x = try input.converted(to: .float32)
        let dropped = try context.dropout(x, dropout, at: site, "lora")
        // In the order of the joined adapters, so that rows have the same bits there.
        var change = try update(x, dropped: dropped)
        if let bias { change = try change + bias }
        return try (output.converted(to: .float32) + change).converted(to: output.dtype)
    }

    func merged(into linear: Linear) throws(TorchError) -> (weight: Tensor, bias: Tensor?) {
        let (weight, frozenBias) = try linear.unmerged()
        return (try weight + update.matrix(), try frozenBias?.adding(bias))
    }
}

extension LoRAAdapter: JoinableLinearAdapter {
    private struct Kind: Hashable {
        let shape: [Int]
        let scale: Double
        let dropout: Double
        let hasBias: Bool
    }

    var kind: AnyHashable? {
        guard update.start == nil else { return nil }
        return Kind(
            shape: [update.a.size(0), update.a.size(1), update.b.size(0)],
            scale: update.scale,
            dropout: dropout,
            hasBias: bias != nil
        )
    }

    static func joined(
        _ members: [LoRAAdapter],
        offsets: [Int64]
    ) throws(TorchError) -> any LinearAdapter {
        JoinedLoRA(
            a: SegmentedLinear(weights: members.map(\.update.a), biases: [], offsets: offsets),
            b: SegmentedLinear(
                weights: members.map(\.update.b),
                biases: members.compactMap(\.bias),
                offsets: offsets
            ),
            first: members[0]
        )
    }
}

/// Several LoRA adapters of one kind, each at its stretch of tokens.
private struct JoinedLoRA: LinearAdapter {
    let a: SegmentedLinear
    let b: SegmentedLinear
    let first: LoRAAdapter

    func callAsFunction(
        input: Tensor,
        output: Tensor,
        in context: ForwardContext
    ) throws(TorchError) -> Tensor {
        let x = try input.converted(to: .float32)
        let dropped = try context.dropout(x, first.dropout, at: first.site, "lora")
        let change = try b(a(dropped) * first.update.scale)
        return try (output.converted(to: .float32) + change).converted(to: output.dtype)
    }
}

/// LoRA whose scale is a gate over the row: `y + g(x) · B A x`; no weight computes that.
struct GatedLoRAAdapter: LinearAdapter {
    let update: LowRankUpdate
    let bias: Tensor?  // [output]
    let gate: Linear  // [1, input]
    let dropout: Double
    let site: Site

    var isTokenwise: Bool { false }

    func callAsFunction(
        input: Tensor,
        output: Tensor,
        in context: ForwardContext
    ) throws(TorchError) -> Tensor {
        let x = try input.converted(to: .float32)
        let means = try context.layout.rowMeans(gate(x).sigmoid())
        let gates = try context.layout.repeatedForTokens(means)  // [tokens, 1]
        let dropped = try context.dropout(x, dropout, at: site, "lora")
        let change = try (dropped.linear(update.a) * gates).linear(update.b)
        var y = try output.converted(to: .float32) + change
        if let bias { y = try y + bias }
        return try y.converted(to: output.dtype)
    }
}

extension Tensor {
    /// The sum with a trained bias, if there is one, cut off from the recorded graph.
    func adding(_ bias: Tensor?) throws(TorchError) -> Tensor {
        guard let bias else { return self }
        return try self + bias.detached()
    }
}
