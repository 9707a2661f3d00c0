internal import GraftAdapters
internal import GraftLayers
internal import GraftModels
public import GraftTorch

/// Several adapters with their heads over the same rows in one pass.
///
/// The blocks below everything that acts are computed once (of an encoder-decoder, the decoder's). Above them every row runs once for each adapter, all in one
/// batch (`SiteAdapters.rows`): the frozen projections run over all of them together. What each adapter answers, and each
/// gradient, is what it is alone.
///
/// Reference: `adapters` 1.3.0, `composition.py`, `Parallel`.
public struct ParallelModel: Sendable {
    /// The adapters.
    public let members: [AdaptedModel]

    /// Puts adapters side by side.
    ///
    /// - Parameter members: Adapters of one frozen model with heads of their own.
    /// - Throws: `ConfigurationError` naming what cannot run beside others: trained models, prompts and trained norms, which
    ///   change what all rows share; adapters that write text or read pairs of images and texts; and other models.
    public init(_ members: [AdaptedModel]) throws {
        precondition(!members.isEmpty, "one adapter or more")
        for member in members {
            guard !member.trainsBase, member.pairModel == nil, member.head.writer == nil,
                member.base.path == members[0].base.path, member.device == members[0].device,
                member.encoder.computesInFloat32 == members[0].encoder.computesInFloat32
            else {
                throw ConfigurationError(
                    field: "composition",
                    problem: "side by side run adapters of one frozen model,"
                        + " each with a head of its own"
                )
            }
        }
        self.members = members
        _ = try adapters(rowCount: 1)
    }

    /// Whether an adapter can run beside others.
    static func holds(_ model: AdaptedModel) -> Bool { (try? ParallelModel([model])) != nil }

    /// Computes the logits of every adapter.
    ///
    /// - Parameters:
    ///   - rows: Which rows.
    ///   - data: All rows.
    ///   - dropoutSeed: What dropout depends on, in training; `nil` otherwise. A row drops the same for every adapter.
    /// - Returns: For each adapter what ``AdaptedModel/logits(_:dropoutSeed:trunk:)`` gives.
    /// - Throws: `TorchError`, of kind `invalidArgument` if a row is longer than the model's positions; in training
    ///   `ConfigurationError` for adapters that begin at different blocks, of which each alone drops nothing below its own.
    public func logits(
        of rows: [Int],
        in data: EncodedRows,
        dropoutSeed: UInt64? = nil
    ) throws -> [Tensor] {
        guard dropoutSeed == nil || Set(members.map(\.trunkDepth)).count == 1 else {
            throw ConfigurationError(
                field: "composition",
                problem: "adapters that begin at different blocks drop different states in training"
                    + " (hint: the same leave_out for all)"
            )
        }
        let (encoder, device) = (members[0].encoder, members[0].device)
        let copies = members.flatMap { _ in rows }
        let batch = try data.batch(copies, device: device)
        // Of a row with several choices each is one of the batch.
        let count = batch.layout.rowCount / members.count
        let context = ForwardContext(
            layout: batch.layout,
            adapters: try adapters(rowCount: count),
            dropoutSeed: dropoutSeed
        )
        // What one head does not read another may.
        let heads = Set(members.map(\.head.wanted))
        let wanted = heads.count == 1 ? members[0].head.wanted : .all
        var trunk: Trunk?
        if encoder.trunkDepth(below: context.adapters) > 0 {
            let own = try data.batch(rows, device: device)
            let once = ForwardContext(layout: own.layout, adapters: context.adapters)
            let states = try encoder.trunk(own, in: once, wanted: wanted).hidden
            trunk = try Trunk(of: batch, wanted: wanted, repeating: states, times: members.count)
        }
        let output = try encoder(batch, in: context, wanted: wanted, trunk: trunk)
        return try members.enumerated().map { number, member in
            let range = number * count..<(number + 1) * count
            return try member.head(output.narrowed(rows: range), in: context)
        }
    }

    /// Computes the logits of rows for every adapter, in parts on all workers.
    ///
    /// - Parameters:
    ///   - data: The rows.
    ///   - workers: How many parts are computed at once.
    ///   - partLength: The tokens of one part, every adapter's counted, which bound the memory.
    /// - Returns: For each adapter its predictions, as ``AdaptedModel/predictions(_:loss:workers:partLength:progress:)`` gives
    ///   them.
    /// - Throws: `TorchError` if a row is too long for the model or memory runs out; ``TrainingError`` if a score is
    ///   not finite.
    public func predictions(
        _ data: EncodedRows,
        workers: Workers = Workers(),
        partLength: Int = Workers.partLength
    ) throws -> [Predictions] {
        try members[0].pack(for: data)
        let workers = members[0].device == .cpu ? workers : Workers(1)
        let parts = data.parts(partLength: partLength / members.count, for: workers)
        let results = try workers.map(parts.count) { index in
            try withoutGradients { () throws in
                try zip(members, logits(of: parts[index], in: data)).map { member, logits in
                    try member.head.configuration.split(logits, of: parts[index], in: data)
                }
            }
        }
        return try members.indices.map { member in
            var logits = [[Float]](repeating: [], count: data.count)
            for (rows, result) in zip(parts, results) {
                for (row, values) in zip(rows, result[member]) { logits[row] = values }
            }
            return try Predictions(logits: logits, loss: nil)
        }
    }

    /// What acts on so many rows, once for each adapter.
    private func adapters(rowCount: Int) throws -> SiteAdapters {
        try .rows(
            members.enumerated().map { number, member in
                (number * rowCount..<(number + 1) * rowCount, member.adapters)
            }
        )
    }
}

extension Trunk {
    /// The states of rows, once for each of several adapters.
    fileprivate init(
        of batch: any RaggedBatch,
        wanted: WantedTokens,
        repeating states: Tensor,
        times: Int
    ) throws(TorchError) {
        let hidden = try Tensor.concatenated([Tensor](repeating: states, count: times))
        // Where nothing acts in any block, these are the wanted tokens' alone.
        let isWhole = hidden.size(0) == batch.layout.tokenCount
        let kept = try isWhole ? nil : batch.layout.keeping(wanted)
        self.init(hidden: hidden, layout: kept?.layout ?? batch.layout)
    }
}
