internal import GraftLayers
internal import GraftTorch

extension LoRA {
    /// Adds up updates `s · B A`; ranks, scales and starts may differ.
    ///
    /// The result is plain LoRA whose alpha is its rank, so that the scale is 1: `B` has weights and scales
    /// in it.
    ///
    /// - Throws: `ConfigurationError` for DoRA, whose change is no sum of updates, for PiSSA, whose update
    ///   is known only beside the frozen weights, for gates, and for a rank above that of the sum;
    ///   `ParameterError` naming a tensor that does not fit.
    public static func combined(
        _ adapters: [TrainedAdapter<LoRA>],
        by arithmetic: WeightArithmetic
    ) throws -> CombinedAdapter {
        for adapter in adapters { try adapter.method.checkAddable(adapter.name, arithmetic) }
        let first = adapters[0]
        var result = CombinedAdapter(method: first.method, parameters: [:])
        var ranks: [Site: Int] = [:]
        var (kept, whole) = (0.0, 0.0)
        for name in first.parameters.keys.sorted() {
            guard name.hasSuffix(".lora_A") else { continue }
            let front = String(name.dropLast("lora_A".count))
            guard let site = Site(path: front.dropFirst("adapter.".count).dropLast()) else {
                throw ParameterError(name: name, problem: "is of no site that there is")
            }
            let updates = try adapters.map { try $0.update(front, at: site, like: first) }
            let sum = try arithmetic.combined(updates, of: front)
            result.parameters[front + "lora_A"] = try sum.a.contiguous()
            result.parameters[front + "lora_B"] = try sum.b.contiguous()
            ranks[site] = sum.a.size(0)
            kept += sum.kept
            whole += sum.whole
        }
        for (name, bias) in first.parameters where name.hasSuffix(".bias") {
            let changes = try adapters.map {
                try $0.parameter(name, shape: bias.shape).values() as [Float]
            }
            result.parameters[name] = try Tensor(
                arithmetic.combined(changes, of: name),
                shape: bias.shape
            )
        }
        if let rank = arithmetic.rank, let most = ranks.values.max(), rank > most {
            throw ConfigurationError(
                field: "rank",
                problem: "is \(rank), and what is combined has at most \(most)"
                    + " (hint: at most \(most))"
            )
        }
        result.method = first.method.ofScaleOne(ranks: ranks)
        result.kept = whole > 0 ? kept / whole : 1
        return result
    }

    private func checkAddable(
        _ name: String,
        _ arithmetic: WeightArithmetic
    ) throws(ConfigurationError) {
        let reason: String
        if isDecomposed {
            reason = "what DoRA changes is no sum of updates (hint: graft merge takes one)"
        } else if start == .pissa {
            reason =
                "the update of PiSSA is what differs from the leading part of the frozen weights,"
                + " which no other LoRA can hold (hint: graft merge takes one)"
        } else if isGated {
            reason = "the scale of a gate depends on the row"
        } else {
            return
        }
        throw arithmetic.refusal(of: "'\(name)'", reason)
    }

    /// These settings for updates of given ranks that are not scaled.
    private func ofScaleOne(ranks: [Site: Int]) -> LoRA {
        var method = self
        let counts = Dictionary(grouping: ranks.values) { $0 }.mapValues(\.count)
        let most = counts.max { ($0.value, $1.key) < ($1.value, $0.key) }?.key ?? rank
        let others = ranks.filter { $0.value != most }.map { ($0.path, $1) }
        method.rank = most
        method.ranks = Dictionary(uniqueKeysWithValues: others)
        method.alpha = Double(most)
        method.alphas = method.ranks.mapValues(Double.init)
        method.dividesByRoot = false
        method.start = .lora
        method.startSeed = nil
        return method
    }
}

extension TrainedAdapter<LoRA> {
    /// The update at a site, its scale in the factor `B`.
    ///
    /// - Throws: `ParameterError` naming a factor that does not fit those of the first adapter.
    fileprivate func update(
        _ front: String,
        at site: Site,
        like first: TrainedAdapter
    ) throws -> LowRankUpdate {
        let (a, b) = (try parameter(front + "lora_A"), try parameter(front + "lora_B"))
        for (name, found, fixed) in [("lora_A", a.shape, 1), ("lora_B", b.shape, 0)] {
            let expected = try first.parameter(front + name).shape
            let rank = method.rank(at: site)
            guard found.count == 2, found[fixed] == expected[fixed], found[1 - fixed] == rank else {
                var shape = expected
                shape[1 - fixed] = rank
                throw ParameterError(
                    name: front + name,
                    problem: "expected shape \(shape) in '\(self.name)', found \(found)"
                )
            }
        }
        return LowRankUpdate(
            a: a,
            b: try b * method.scale(at: site),
            start: nil,
            scale: 1
        )
    }
}

extension WeightArithmetic {
    /// Combines updates of one projection.
    ///
    /// - Returns: Factors of the result, how much of it they hold, and how much there was: sums of squares.
    fileprivate func combined(
        _ updates: [LowRankUpdate],
        of name: String
    ) throws(TorchError) -> (a: Tensor, b: Tensor, kept: Double, whole: Double) {
        if operation.isSparse {
            let (output, input) = (updates[0].b.size(0), updates[0].a.size(1))
            var changes: [[Float]] = []
            for update in updates { changes.append(try update.matrix().values()) }
            let sum = try Tensor(combined(changes, of: name), shape: [output, input])
            let limit = updates.reduce(0) { $0 + $1.a.size(0) }
            let (left, values, right) = try sum.singularValueDecomposition()
            return try LowRankUpdate.leading(rank ?? limit, left, values, right)
        }
        var weighted: [Tensor] = []
        for (update, weight) in zip(updates, weights) {
            weighted.append(try update.b * weight)
        }
        let a = try Tensor.concatenated(updates.map(\.a))
        let b = try Tensor.concatenated(weighted, along: 1)
        guard let rank, rank < a.size(0) else {
            let energy = try LowRankUpdate.energy(a: a, b: b)
            return (a, b, energy, energy)
        }
        let (left, values, right) = try LowRankUpdate.decomposed(a: a, b: b)
        return try LowRankUpdate.leading(rank, left, values, right)
    }
}

extension LowRankUpdate {
    /// The sum of the squares of `B A`.
    fileprivate static func energy(a: Tensor, b: Tensor) throws(TorchError) -> Double {
        let (rows, columns) = (try a.matmul(a.transposed(0, 1)), try b.transposed(0, 1).matmul(b))
        return try (rows * columns).sum().item()
    }

    /// The singular value decomposition of `B A`, by way of those of the narrow factors.
    fileprivate static func decomposed(
        a: Tensor,
        b: Tensor
    ) throws(TorchError) -> (left: Tensor, values: Tensor, right: Tensor) {
        let (outer, outerValues, inner) = try b.singularValueDecomposition()
        let (left, values, right) = try a.singularValueDecomposition()
        let core = try (outerValues.reshaped(-1, 1) * inner).matmul(left * values)
        let middle = try core.singularValueDecomposition()
        return (
            try outer.matmul(middle.left), middle.values, try middle.right.matmul(right)
        )
    }

    /// The factors of a matrix's best approximation by a rank, which is limited to that of the matrix.
    fileprivate static func leading(
        _ rank: Int,
        _ left: Tensor,
        _ values: Tensor,
        _ right: Tensor
    ) throws(TorchError) -> (a: Tensor, b: Tensor, kept: Double, whole: Double) {
        let rank = min(rank, values.count)
        let leading = try values.narrowed(0..<rank)
        let roots = try leading.squareRoot()
        return (
            try right.narrowed(0..<rank) * roots.reshaped(rank, 1),
            try left.narrowed(0..<rank, along: 1) * roots,
            try leading.squared().sum().item(),
            try values.squared().sum().item()
        )
    }
}
