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
        let ranges = groups.map(\.rows)
        var result = SiteAdapters()
        for site in groups.flatMap(\.adapters.linear.keys) {
            result.linear[site] = GroupedLinear(ranges, groups.map { $0.adapters.linear[site] })
        }
        for site in groups.flatMap(\.adapters.hidden.keys) {
            result.hidden[site] = GroupedHidden(ranges, groups.map { $0.adapters.hidden[site] })
        }
        for site in groups.flatMap(\.adapters.block.keys) {
            result.block[site] = GroupedBlock(ranges, groups.map { $0.adapters.block[site] })
        }
        for site in groups.flatMap(\.adapters.attention.keys) {
            result.attention[site] = GroupedAttention(
                ranges,
                groups.map { $0.adapters.attention[site] }
            )
        }
        let others = groups.flatMap { $0.adapters.sites.subtracting(result.sites) }
        if let site = others.map(\.path).min() {
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

    init(_ ranges: [Range<Int>], _ adapters: [(any LinearAdapter)?]) {
        groups = Groups(ranges: ranges, adapters: adapters)
    }

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

    init(_ ranges: [Range<Int>], _ adapters: [(any HiddenAdapter)?]) {
        groups = Groups(ranges: ranges, adapters: adapters)
    }

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

    init(_ ranges: [Range<Int>], _ adapters: [(any BlockAdapter)?]) {
        groups = Groups(ranges: ranges, adapters: adapters)
    }

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

    init(_ ranges: [Range<Int>], _ adapters: [(any AttentionAdapter)?]) {
        groups = Groups(ranges: ranges, adapters: adapters)
    }

    var isTokenwise: Bool { groups.adapters.allSatisfy { $0?.isTokenwise ?? true } }

    func callAsFunction(
        _ input: Tensor,
        at site: Site,
        in context: ForwardContext
    ) throws(TorchError) -> KeyPrefix {
        try groups.check(context)
        var (keys, values): ([Tensor], [Tensor]) = ([], [])
        // The stretch of each row inside all keys, which shared prefixes are in once.
        var (indices, ends): ([Int64], [Int64]) = ([], [0])
        var count: Int64 = 0
        for (rows, adapter) in zip(groups.ranges, groups.adapters) {
            guard let adapter else {
                ends += [Int64](repeating: Int64(indices.count), count: rows.count)
                continue
            }
            let own = try input.narrowed(context.layout.tokens(of: rows))
            let prefix = try adapter(own, at: site, in: context.narrowed(rows: rows))
            for row in 0..<rows.count {
                let range = prefix.range(of: row)
                indices += range.map { $0 + count }
                ends.append(Int64(indices.count))
            }
            count += Int64(prefix.key.size(0))
            keys.append(prefix.key)
            values.append(prefix.value)
        }
        let order = try Tensor(indices).moved(to: input.device)
        return KeyPrefix(
            key: try Tensor.concatenated(keys).selecting(order),
            value: try Tensor.concatenated(values).selecting(order),
            offsets: ends
        )
    }
}
