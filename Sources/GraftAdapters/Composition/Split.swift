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
            result.linear[site] = SplitLinear(pieces: Array(zip(ranges, adapters)))
        }
        for site in parts.flatMap(\.hidden.keys) {
            let adapters = parts.map { $0.hidden[site] }
            try checkTokenwise(adapters.allSatisfy { $0?.isTokenwise ?? true }, at: site)
            try checkKeepsBlock(adapters, at: site, "split")
            result.hidden[site] = SplitHidden(pieces: Array(zip(ranges, adapters)))
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

/// Applies a body to the tokens of each range, and puts the results back in their places.
private func pieced<Adapter>(
    _ pieces: [(Range<Int>, Adapter?)],
    of output: Tensor,
    in context: ForwardContext,
    _ body: (Adapter, Tensor, ForwardContext) throws(TorchError) -> Tensor
) throws(TorchError) -> Tensor {
    var (parts, order): ([Tensor], [Int64]) = ([], [])
    for (range, adapter) in pieces {
        var piece = context
        let (layout, indices) = try context.layout.keeping(positions: range)
        guard !indices.isEmpty else { continue }
        piece.layout = layout
        let selected = try Tensor(indices).moved(to: output.device)
        order += indices
        if let adapter {
            parts.append(try body(adapter, selected, piece))
        } else {
            parts.append(try output.selecting(selected))
        }
    }
    var places = [Int64](repeating: 0, count: order.count)
    for (place, token) in order.enumerated() { places[Int(token)] = Int64(place) }
    return try Tensor.concatenated(parts).selecting(Tensor(places).moved(to: output.device))
}

private struct SplitLinear: LinearAdapter {
    let pieces: [(Range<Int>, (any LinearAdapter)?)]

    func callAsFunction(
        input: Tensor,
        output: Tensor,
        in context: ForwardContext
    ) throws(TorchError) -> Tensor {
        try pieced(pieces, of: output, in: context) {
            adapter,
            tokens,
            context throws(TorchError) in
            try adapter(
                input: input.selecting(tokens),
                output: output.selecting(tokens),
                in: context
            )
        }
    }
}

private struct SplitHidden: HiddenAdapter {
    let pieces: [(Range<Int>, (any HiddenAdapter)?)]

    var isTokenwise: Bool { true }
    var keepsBlockOutput: Bool { true }

    func penalty() throws(TorchError) -> Tensor? { try pieces.compactMap(\.1).penalty() }

    func callAsFunction(
        _ state: HiddenState,
        in context: ForwardContext
    ) throws(TorchError) -> Tensor {
        try pieced(pieces, of: state.output, in: context) {
            adapter,
            tokens,
            context throws(TorchError) in
            try adapter(
                state.selecting { x throws(TorchError) in try x.selecting(tokens) },
                in: context
            )
        }
    }
}
