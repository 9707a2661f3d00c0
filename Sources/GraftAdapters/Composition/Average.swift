public import GraftLayers
internal import GraftTorch

extension SiteAdapters {
    /// What acts when the outputs of several are averaged; where one does not act, it counts as the
    /// frozen model.
    ///
    /// - Parameters:
    ///   - parts: What is averaged.
    ///   - weights: A weight for each, with sum 1.
    /// - Returns: Adapters at every site of any part.
    /// - Throws: `ConfigurationError` naming a site whose outputs have no mean.
    public static func average(
        _ parts: [SiteAdapters],
        weights: [Double]
    ) throws(ConfigurationError) -> SiteAdapters {
        var result = SiteAdapters()
        for site in parts.flatMap(\.linear.keys) {
            result.linear[site] = AveragedLinear(
                parts: parts.map { $0.linear[site] },
                weights: weights
            )
        }
        for site in parts.flatMap(\.block.keys) {
            result.block[site] = AveragedBlock(
                parts: parts.map { $0.block[site] },
                weights: weights
            )
        }
        for site in parts.flatMap(\.hidden.keys) {
            let adapters = parts.map { $0.hidden[site] }
            try checkKeepsBlock(adapters, at: site, "average")
            result.hidden[site] = AveragedHidden(parts: adapters, weights: weights)
        }
        if let site = result.firstSite(missingFrom: parts) {
            throw ConfigurationError(
                field: "composition",
                problem: "average: what acts at \(site) has no mean"
                    + " (hint: adapters, LoRA and (IA)3 have; prefixes, prompts and norms do not)"
            )
        }
        return result
    }

    /// The first site at which one of `parts` acts and this does not, and which part, counted from 1.
    func firstSite(missingFrom parts: [SiteAdapters]) -> String? {
        for (number, part) in parts.enumerated() {
            guard let site = part.sites.subtracting(sites).map(\.path).min() else { continue }
            return "\(site) in part \(number + 1)"
        }
        return nil
    }

    /// Confirms that what acts at a sub-layer leaves the block's output to the block.
    static func checkKeepsBlock(
        _ adapters: [(any HiddenAdapter)?],
        at site: Site,
        _ operation: String
    ) throws(ConfigurationError) {
        guard adapters.allSatisfy({ $0?.keepsBlockOutput ?? true }) else {
            throw unsupported(operation, site, "original_ln_after=false replaces the block")
        }
    }

    static func unsupported(
        _ operation: String,
        _ site: Site,
        _ reason: String
    ) -> ConfigurationError {
        ConfigurationError(
            field: "composition",
            problem: "\(operation): cannot act at \(site): \(reason)"
        )
    }
}

/// `Σ weight · value`, computed in order.
private func weightedSum(_ values: [Tensor], _ weights: [Double]) throws(TorchError) -> Tensor {
    var sum: Tensor?
    for (value, weight) in zip(values, weights) {
        let term = try value * weight
        sum = if let sum { try sum + term } else { term }
    }
    guard let sum else {
        throw TorchError(kind: .invalidArgument, operation: "average", message: "of nothing")
    }
    return sum
}

private struct AveragedLinear: LinearAdapter {
    let parts: [(any LinearAdapter)?]
    let weights: [Double]

    var isTokenwise: Bool { parts.allSatisfy { $0?.isTokenwise ?? true } }

    func penalty() throws(TorchError) -> Tensor? { try parts.compactMap(\.self).penalty() }

    func callAsFunction(
        input: Tensor,
        output: Tensor,
        in context: ForwardContext
    ) throws(TorchError) -> Tensor {
        let outputs = try parts.enumerated().map { number, part throws(TorchError) in
            try part?(input: input, output: output, in: context.member(number)) ?? output
        }
        return try weightedSum(outputs, weights)
    }
}

private struct AveragedHidden: HiddenAdapter {
    let parts: [(any HiddenAdapter)?]
    let weights: [Double]

    var isTokenwise: Bool { parts.allSatisfy { $0?.isTokenwise ?? true } }
    var keepsBlockOutput: Bool { true }

    func penalty() throws(TorchError) -> Tensor? { try parts.compactMap(\.self).penalty() }

    func callAsFunction(
        _ state: HiddenState,
        in context: ForwardContext
    ) throws(TorchError) -> Tensor {
        let outputs = try parts.enumerated().map { number, part throws(TorchError) in
            try part?(state, in: context.member(number)) ?? state.output
        }
        return try weightedSum(outputs, weights)
    }
}

private struct AveragedBlock: BlockAdapter {
    let parts: [(any BlockAdapter)?]
    let weights: [Double]

    func callAsFunction(
        _ hidden: Tensor,
        at site: Site,
        in context: ForwardContext
    ) throws(TorchError) -> Tensor {
        let outputs = try parts.enumerated().map { number, part throws(TorchError) in
            try part?(hidden, at: site, in: context.member(number)) ?? hidden
        }
        return try weightedSum(outputs, weights)
    }
}
