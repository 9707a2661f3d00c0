public import GraftLayers
internal import GraftTorch

extension SiteAdapters {
    /// What acts when ranges of each row's tokens have adapters of their own.
    ///
    /// - Parameters:
    ///   - parts: What acts on each range.
    ///   - lengths: The lengths of all ranges but the last, which takes the rest of the row.
    /// - Returns: Adapters at every site of any part.
    /// - Throws: `ConfigurationError` naming a site whose tokens cannot be told apart.
    public static func split(
        _ parts: [SiteAdapters],
        lengths: [Int]
    ) throws(ConfigurationError) -> SiteAdapters {
        var (ranges, start): ([Range<Int>], Int) = ([], 0)
        for length in lengths {
            ranges.append(start..<start + length)
            start += length
        }
        ranges.append(start..<Int.max)
        var result = SiteAdapters()
        for site in parts.flatMap(\.linear.keys) {
            let adapters = parts.map { $0.linear[site] }
            try checkTokenwise(adapters.allSatisfy { $0?.isTokenwise ?? true }, at: site)
            result.linear[site] = SplitLinear(pieces: Pieces(ranges: ranges, adapters: adapters))
        }
        for site in parts.flatMap(\.hidden.keys) {
            let adapters = parts.map { $0.hidden[site] }
            try checkTokenwise(adapters.allSatisfy { $0?.isTokenwise ?? true }, at: site)
            try checkKeepsBlock(adapters, at: site, "split")
            result.hidden[site] = SplitHidden(pieces: Pieces(ranges: ranges, adapters: adapters))
        }
        if let site = result.firstSite(missingFrom: parts) {
            throw ConfigurationError(
                field: "composition",
                problem: "split: what acts at \(site) is not of single tokens"
                    + " (hint: adapters, LoRA and (IA)3 are)"
            )
        }
        return result
    }

    private static func checkTokenwise(
        _ isTokenwise: Bool,
        at site: Site
    ) throws(ConfigurationError) {
        guard isTokenwise else { throw unsupported("split", site, "a gate reads the whole row") }
    }
}

/// What acts on each range of a row's tokens.
private struct Pieces<Adapter: Sendable>: Sendable {
    let ranges: [Range<Int>]
    let adapters: [Adapter?]

    /// Applies a body to the tokens of each range, and puts the results back in their places.
    func map(
        _ output: Tensor,
        in context: ForwardContext,
        _ body: (Adapter, Tensor, ForwardContext) throws(TorchError) -> Tensor
    ) throws(TorchError) -> Tensor {
        let pieces = try context.layout.pieces(ranges)
        var results: [Tensor] = []
        for (adapter, part) in zip(adapters, pieces.parts) where part.layout.tokenCount > 0 {
            var piece = context
            piece.layout = part.layout
            guard let adapter else {
                results.append(try output.selecting(part.tokens))
                continue
            }
            results.append(try body(adapter, part.tokens, piece))
        }
        return try Tensor.concatenated(results).selecting(pieces.places)
    }
}

private struct SplitLinear: LinearAdapter {
    let pieces: Pieces<any LinearAdapter>

    func callAsFunction(
        input: Tensor,
        output: Tensor,
        in context: ForwardContext
    ) throws(TorchError) -> Tensor {
        try pieces.map(output, in: context) { adapter, tokens, context throws(TorchError) in
            try adapter(
                input: input.selecting(tokens),
                output: output.selecting(tokens),
                in: context
            )
        }
    }

    func penalty() throws(TorchError) -> Tensor? {
        try pieces.adapters.compactMap(\.self).penalty()
    }
}

private struct SplitHidden: HiddenAdapter {
    let pieces: Pieces<any HiddenAdapter>

    var isTokenwise: Bool { true }
    var keepsBlockOutput: Bool { true }

    func penalty() throws(TorchError) -> Tensor? {
        try pieces.adapters.compactMap(\.self).penalty()
    }

    func callAsFunction(
        _ state: HiddenState,
        in context: ForwardContext
    ) throws(TorchError) -> Tensor {
        try pieces.map(state.output, in: context) { adapter, tokens, context throws(TorchError) in
            try adapter(
                state.selecting { x throws(TorchError) in try x.selecting(tokens) },
                in: context
            )
        }
    }
}
