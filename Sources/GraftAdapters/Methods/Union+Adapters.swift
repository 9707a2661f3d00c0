internal import GraftLayers
internal import GraftTorch

extension SiteAdapters {
    /// What acts when `other` acts behind this at every site.
    ///
    /// - Throws: `ConfigurationError` naming a site at which the two cannot both act.
    func followed(by other: SiteAdapters) throws(ConfigurationError) -> SiteAdapters {
        var result = self
        result.linear.merge(other.linear) { LinearPair(first: $0, second: $1) }
        result.attention.merge(other.attention) { AttentionPair(first: $0, second: $1) }
        result.block.merge(other.block) { BlockPair(first: $0, second: $1) }
        result.embedding.merge(other.embedding) { EmbeddingPair(first: $0, second: $1) }
        for (site, second) in other.hidden.sorted(by: { $0.key.path < $1.key.path }) {
            guard let first = hidden[site] else {
                result.hidden[site] = second
                continue
            }
            guard first.keepsBlockOutput else {
                throw ConfigurationError(
                    field: "original_ln_after",
                    problem: "false leaves nothing for a second adapter at \(site)"
                        + " (hint: put this member last)"
                )
            }
            result.hidden[site] = HiddenPair(first: first, second: second)
        }
        for (site, norm) in other.norm.sorted(by: { $0.key.path < $1.key.path }) {
            guard result.norm.updateValue(norm, forKey: site) == nil else {
                throw ConfigurationError(
                    field: "method",
                    problem: "two members of the union train the norm at \(site)"
                )
            }
        }
        return result
    }
}

private struct LinearPair: LinearAdapter {
    let first: any LinearAdapter
    let second: any LinearAdapter

    var isTokenwise: Bool { first.isTokenwise && second.isTokenwise }

    func callAsFunction(
        input: Tensor,
        output: Tensor,
        in context: ForwardContext
    ) throws(TorchError) -> Tensor {
        let output = try first(input: input, output: output, in: context.member(0))
        return try second(input: input, output: output, in: context.member(1))
    }

    func penalty() throws(TorchError) -> Tensor? { try [first, second].penalty() }
}

private struct HiddenPair: HiddenAdapter {
    let first: any HiddenAdapter
    let second: any HiddenAdapter

    var isTokenwise: Bool { first.isTokenwise && second.isTokenwise }
    var keepsBlockOutput: Bool { second.keepsBlockOutput }

    func callAsFunction(
        _ state: HiddenState,
        in context: ForwardContext
    ) throws(TorchError) -> Tensor {
        let output = try first(state, in: context.member(0))
        return try second(state.replacing(output: output), in: context.member(1))
    }

    func penalty() throws(TorchError) -> Tensor? { try [first, second].penalty() }
}

private struct BlockPair: BlockAdapter {
    let first: any BlockAdapter
    let second: any BlockAdapter

    func callAsFunction(
        _ hidden: Tensor,
        at site: Site,
        in context: ForwardContext
    ) throws(TorchError) -> Tensor {
        let output = try first(hidden, at: site, in: context.member(0))
        return try second(output, at: site, in: context.member(1))
    }
}

private struct EmbeddingPair: EmbeddingAdapter {
    let first: any EmbeddingAdapter
    let second: any EmbeddingAdapter

    func callAsFunction(
        _ embedded: Tensor,
        at site: Site,
        in context: inout ForwardContext
    ) throws(TorchError) -> Tensor {
        let embedded = try first(embedded, at: site, in: &context)
        return try second(embedded, at: site, in: &context)
    }

    func inverse(_ hidden: Tensor) throws(TorchError) -> Tensor {
        try first.inverse(second.inverse(hidden))
    }
}

private struct AttentionPair: AttentionAdapter {
    let first: any AttentionAdapter
    let second: any AttentionAdapter

    var isTokenwise: Bool { first.isTokenwise && second.isTokenwise }

    func callAsFunction(
        _ input: Tensor,
        at site: Site,
        in context: ForwardContext
    ) throws(TorchError) -> KeyPrefix {
        let inner = try first(input, at: site, in: context.member(0))
        let outer = try second(input, at: site, in: context.member(1))
        // Where one of them differs between rows, each row gets its own stretch of both.
        guard inner.offsets == nil && outer.offsets == nil else {
            let rows = (0..<context.layout.rowCount).map { [(0, $0), (1, $0)] }
            return try KeyPrefix(joining: [outer, inner], rows: rows)
        }
        return KeyPrefix(
            key: try Tensor.concatenated([outer.key, inner.key]),
            value: try Tensor.concatenated([outer.value, inner.value])
        )
    }
}
