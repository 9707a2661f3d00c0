public import GraftLayers
internal import GraftTorch

extension SiteAdapters {
    /// What acts in a mixed batch: on each range of rows an adapter of its own.
    ///
    /// The frozen projections run once over all rows; only the adapters see their own rows. A row's
    /// result is that of a batch in which it is alone.
    ///
    /// - Parameter groups: Ranges that follow each other from row 0, and what acts on them;
    ///   ``SiteAdapters/init()`` for the frozen model.
    /// - Returns: Adapters at every site of any group.
    /// - Throws: `ConfigurationError` naming a site at which rows cannot be told apart.
    public static func rows(
        _ groups: [(rows: Range<Int>, adapters: SiteAdapters)]
    ) throws(ConfigurationError) -> SiteAdapters {
        precondition(
            zip([0] + groups.map(\.rows.upperBound), groups).allSatisfy {
                $0 == $1.rows.lowerBound
            },
            "row groups follow each other"
        )
        func grouped<Adapter>(_ pick: (SiteAdapters) -> Adapter?) -> Groups<Adapter> {
            Groups(ranges: groups.map(\.rows), adapters: groups.map { pick($0.adapters) })
        }
        var result = SiteAdapters()
        for site in groups.flatMap(\.adapters.linear.keys) {
            result.linear[site] = GroupedLinear(groups: grouped { $0.linear[site] })
        }
        for site in groups.flatMap(\.adapters.hidden.keys) {
            result.hidden[site] = GroupedHidden(groups: grouped { $0.hidden[site] })
        }
        for site in groups.flatMap(\.adapters.block.keys) {
            result.block[site] = GroupedBlock(groups: grouped { $0.block[site] })
        }
        for site in groups.flatMap(\.adapters.attention.keys) {
            result.attention[site] = GroupedAttention(groups: grouped { $0.attention[site] })
        }
        if let site = result.firstSite(missingFrom: groups.map(\.adapters)) {
            throw ConfigurationError(
                field: "composition",
                problem: "a mixed batch cannot hold what acts at \(site)"
                    + " (hint: trained norms and prompts need a batch of their own)"
            )
        }
        return result
    }
}

/// A value for each range of rows, applied to its part of the batch.
private struct Groups<Adapter: Sendable>: Sendable {
    let ranges: [Range<Int>]
    let adapters: [Adapter?]

    /// Confirms that the groups are those of this batch.
    func check(_ context: ForwardContext) throws(TorchError) {
        let covered = ranges.last?.upperBound ?? 0
        guard covered == context.layout.rowCount else {
            throw TorchError(
                kind: .invalidArgument,
                operation: "mixed batch",
                message: "the groups cover \(covered) of \(context.layout.rowCount) rows"
            )
        }
    }

    /// Applies each adapter to its rows' tokens of `x` and puts the parts together again.
    func map(
        _ x: Tensor,
        in context: ForwardContext,
        _ body: (Adapter, Range<Int>, ForwardContext) throws(TorchError) -> Tensor
    ) throws(TorchError) -> Tensor {
        try check(context)
        if ranges.count == 1, let adapter = adapters[0] {
            return try body(adapter, 0..<context.layout.tokenCount, context)
        }
        var parts: [Tensor] = []
        for (rows, adapter) in zip(ranges, adapters) {
            let tokens = context.layout.tokens(of: rows)
            guard let adapter else {
                parts.append(try x.narrowed(tokens))
                continue
            }
            parts.append(try body(adapter, tokens, context.narrowed(rows: rows)))
        }
        return try Tensor.concatenated(parts)
    }
}

extension RaggedLayout {
    /// Where the tokens of some rows lie.
    func tokens(of rows: Range<Int>) -> Range<Int> {
        Int(offsets[rows.lowerBound])..<Int(offsets[rows.upperBound])
    }
}

extension ForwardContext {
    /// The same pass for some of its rows.
    func narrowed(rows: Range<Int>) throws(TorchError) -> ForwardContext {
        var context = self
        context.layout = try layout.narrowed(rows: rows)
        return context
    }
}

private struct GroupedLinear: LinearAdapter {
    let groups: Groups<any LinearAdapter>

    var isTokenwise: Bool { groups.adapters.allSatisfy { $0?.isTokenwise ?? true } }

    func callAsFunction(
        input: Tensor,
        output: Tensor,
        in context: ForwardContext
    ) throws(TorchError) -> Tensor {
        try groups.map(output, in: context) { adapter, tokens, context throws(TorchError) in
            try adapter(
                input: input.narrowed(tokens),
                output: output.narrowed(tokens),
                in: context
            )
        }
    }
}

private struct GroupedHidden: HiddenAdapter {
    let groups: Groups<any HiddenAdapter>

    var isTokenwise: Bool { groups.adapters.allSatisfy { $0?.isTokenwise ?? true } }
    // Rows whose adapter replaces the block's output and rows whose adapter does not may be in one
    // batch: then the others are finished here.
    var keepsBlockOutput: Bool { groups.adapters.allSatisfy { $0?.keepsBlockOutput ?? true } }

    func penalty() throws(TorchError) -> Tensor? {
        try groups.adapters.compactMap(\.self).penalty()
    }

    func callAsFunction(
        _ state: HiddenState,
        in context: ForwardContext
    ) throws(TorchError) -> Tensor {
        let isUniform = keepsBlockOutput
        let finished = isUniform ? state.output : try state.finished(state.output)
        return try groups.map(finished, in: context) {
            adapter,
            tokens,
            context throws(TorchError) in
            let part = try state.selecting { x throws(TorchError) in try x.narrowed(tokens) }
            let output = try adapter(part, in: context)
            return isUniform || !adapter.keepsBlockOutput ? output : try part.finished(output)
        }
    }
}

private struct GroupedBlock: BlockAdapter {
    let groups: Groups<any BlockAdapter>

    var isTokenwise: Bool { groups.adapters.allSatisfy { $0?.isTokenwise ?? true } }

    func callAsFunction(
        _ hidden: Tensor,
        at site: Site,
        in context: ForwardContext
    ) throws(TorchError) -> Tensor {
        try groups.map(hidden, in: context) { adapter, tokens, context throws(TorchError) in
            try adapter(hidden.narrowed(tokens), at: site, in: context)
        }
    }
}

private struct GroupedAttention: AttentionAdapter {
    let groups: Groups<any AttentionAdapter>

    var isTokenwise: Bool { groups.adapters.allSatisfy { $0?.isTokenwise ?? true } }

    func callAsFunction(
        _ input: Tensor,
        at site: Site,
        in context: ForwardContext
    ) throws(TorchError) -> KeyPrefix {
        try groups.check(context)
        var prefixes: [KeyPrefix] = []
        var rows: [[(prefix: Int, row: Int)]] = []
        for (range, adapter) in zip(groups.ranges, groups.adapters) {
            guard let adapter else {
                rows += range.map { _ in [] }
                continue
            }
            let own = try input.narrowed(context.layout.tokens(of: range))
            rows += (0..<range.count).map { [(prefixes.count, $0)] }
            prefixes.append(try adapter(own, at: site, in: context.narrowed(rows: range)))
        }
        return try KeyPrefix(joining: prefixes, rows: rows)
    }
}
