public import GraftLayers
internal import GraftTorch

extension SiteAdapters {
    /// What acts in a mixed batch: on each range of rows an adapter of its own.
    ///
    /// The frozen projections run once over all rows; only the adapters see their own rows, and
    /// neighbours that differ in values alone run as one. A row's result is that of a batch in which
    /// it is alone. ``MixedBatch`` finds the order of rows that makes most of this.
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
        return try grouped(groups.map(\.adapters), groups.map(\.rows))
    }

    private static func grouped(
        _ members: [SiteAdapters],
        _ ranges: [Range<Int>]
    ) throws(ConfigurationError) -> SiteAdapters {
        var result = SiteAdapters()
        for site in Set(members.flatMap(\.linear.keys)) {
            result.linear[site] = GroupedLinear(
                groups: RowGroups(ranges, members.map { $0.linear[site] })
            )
        }
        for site in Set(members.flatMap(\.hidden.keys)) {
            result.hidden[site] = GroupedHidden(
                groups: RowGroups(ranges, members.map { $0.hidden[site] })
            )
        }
        for site in Set(members.flatMap(\.block.keys)) {
            result.block[site] = GroupedBlock(
                groups: RowGroups(ranges, members.map { $0.block[site] })
            )
        }
        for site in Set(members.flatMap(\.attention.keys)) {
            result.attention[site] = GroupedAttention(
                groups: RowGroups(ranges, members.map { $0.attention[site] })
            )
        }
        if let site = result.firstSite(missingFrom: members) {
            throw ConfigurationError(
                field: "composition",
                problem: "a mixed batch cannot hold what acts at \(site)"
                    + " (hint: trained norms and prompts need a batch of their own)"
            )
        }
        return result
    }
}

/// An adapter, or none, for each range of rows.
private struct RowGroups<Adapter: Sendable>: Sendable {
    let ranges: [Range<Int>]
    let adapters: [Adapter?]
    /// Neighbours that run as one: all without an adapter, or all of one kind.
    private let runs: [Range<Int>]

    init(_ ranges: [Range<Int>], _ adapters: [Adapter?]) {
        self.ranges = ranges
        self.adapters = adapters
        var runs: [Range<Int>] = []
        var last: AnyHashable?
        for (index, adapter) in adapters.enumerated() {
            let kind: AnyHashable? =
                adapter.map { ($0 as? any JoinableAdapter)?.kind } ?? AnyHashable("none")
            if let kind, kind == last, let run = runs.popLast() {
                runs.append(run.lowerBound..<index + 1)
            } else {
                runs.append(index..<index + 1)
            }
            last = kind
        }
        self.runs = runs
    }

    /// Confirms that the groups are those of this batch.
    func check(_ layout: RaggedLayout) throws(TorchError) {
        let covered = ranges.last?.upperBound ?? 0
        guard covered == layout.rowCount else {
            throw TorchError(
                kind: .invalidArgument,
                operation: "mixed batch",
                message: "the groups cover \(covered) of \(layout.rowCount) rows"
            )
        }
    }

    /// Applies each adapter to its rows' tokens of `x` and puts the parts together again.
    ///
    /// - Parameters:
    ///   - x: [tokens, width]
    ///   - context: The pass.
    ///   - join: Makes one of several of a kind, given where their stretches of tokens start.
    ///   - body: Applies an adapter to a range of tokens.
    /// - Returns: [tokens, width]
    /// - Throws: `TorchError` if the groups are not those of the batch.
    func map(
        _ x: Tensor,
        in context: ForwardContext,
        join: ([Adapter], [Int64]) throws(TorchError) -> Adapter,
        _ body: (Adapter, Range<Int>, ForwardContext) throws(TorchError) -> Tensor
    ) throws(TorchError) -> Tensor {
        let layout = context.layout
        try check(layout)
        var parts: [Tensor] = []
        for run in runs {
            let rows = ranges[run.lowerBound].lowerBound..<ranges[run.upperBound - 1].upperBound
            let tokens = layout.tokens(of: rows)
            let members = adapters[run].compactMap(\.self)
            guard let first = members.first else {
                parts.append(runs.count == 1 ? x : try x.narrowed(tokens))
                continue
            }
            let offsets =
                ranges[run].map { layout.offsets[$0.lowerBound] - Int64(tokens.lowerBound) }
                + [Int64(tokens.count)]
            let adapter = members.count == 1 ? first : try join(members, offsets)
            parts.append(try body(adapter, tokens, context.narrowed(rows: rows)))
        }
        return parts.count == 1 ? parts[0] : try Tensor.concatenated(parts)
    }
}

extension Tensor {
    /// The rows `tokens`; this tensor itself if that is all of them.
    fileprivate func part(_ tokens: Range<Int>) throws(TorchError) -> Tensor {
        tokens == 0..<size(0) ? self : try narrowed(tokens)
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

/// Makes one adapter of several of a kind.
private func join(
    _ members: [any LinearAdapter],
    _ offsets: [Int64]
) throws(TorchError) -> any LinearAdapter {
    guard let first = members[0] as? any JoinableLinearAdapter else { return members[0] }
    return try type(of: first).joined(all: members, offsets: offsets)
}

private func join(
    _ members: [any HiddenAdapter],
    _ offsets: [Int64]
) throws(TorchError) -> any HiddenAdapter {
    guard let first = members[0] as? any JoinableHiddenAdapter else { return members[0] }
    return try type(of: first).joined(all: members, offsets: offsets)
}

private struct GroupedLinear: LinearAdapter {
    let groups: RowGroups<any LinearAdapter>

    var isTokenwise: Bool { groups.adapters.allSatisfy { $0?.isTokenwise ?? true } }

    func callAsFunction(
        input: Tensor,
        output: Tensor,
        in context: ForwardContext
    ) throws(TorchError) -> Tensor {
        try groups.map(output, in: context, join: join) {
            adapter,
            tokens,
            context throws(TorchError) in
            try adapter(input: input.part(tokens), output: output.part(tokens), in: context)
        }
    }

    func penalty() throws(TorchError) -> Tensor? {
        try groups.adapters.compactMap(\.self).penalty()
    }
}

private struct GroupedHidden: HiddenAdapter {
    let groups: RowGroups<any HiddenAdapter>

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
        return try groups.map(finished, in: context, join: join) {
            adapter,
            tokens,
            context throws(TorchError) in
            let part = try state.selecting { x throws(TorchError) in try x.part(tokens) }
            let output = try adapter(part, in: context)
            return isUniform || !adapter.keepsBlockOutput ? output : try part.finished(output)
        }
    }
}

private struct GroupedBlock: BlockAdapter {
    let groups: RowGroups<any BlockAdapter>

    func callAsFunction(
        _ hidden: Tensor,
        at site: Site,
        in context: ForwardContext
    ) throws(TorchError) -> Tensor {
        // Adapters of blocks run one by one.
        try groups.map(hidden, in: context, join: { members, _ in members[0] }) {
            adapter,
            tokens,
            context throws(TorchError) in
            try adapter(hidden.part(tokens), at: site, in: context)
        }
    }
}

private struct GroupedAttention: AttentionAdapter {
    let groups: RowGroups<any AttentionAdapter>

    var isTokenwise: Bool { groups.adapters.allSatisfy { $0?.isTokenwise ?? true } }

    func callAsFunction(
        _ input: Tensor,
        at site: Site,
        in context: ForwardContext
    ) throws(TorchError) -> KeyPrefix {
        try groups.check(context.layout)
        var prefixes: [KeyPrefix] = []
        var rows: [[(prefix: Int, row: Int)]] = []
        for (range, adapter) in zip(groups.ranges, groups.adapters) {
            guard let adapter else {
                rows += range.map { _ in [] }
                continue
            }
            let own = try input.part(context.layout.tokens(of: range))
            rows += (0..<range.count).map { [(prefixes.count, $0)] }
            prefixes.append(try adapter(own, at: site, in: context.narrowed(rows: range)))
        }
        return try KeyPrefix(joining: prefixes, rows: rows)
    }
}
