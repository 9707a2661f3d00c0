public import GraftLayers
public import GraftTorch

/// Rows of an encoder-decoder model, each of which answers a source from a start token on.
///
/// The first pass encodes the sources; a cache keeps their keys and values beside those of the answers.
final class AnswerDraft: Draft {
    private let model: any EncoderDecoder
    private let adapters: SiteAdapters
    private let device: Device
    private let cache: KeyValueCache?
    private var sources: [[Int32]]
    private var rows: [[Int32]]
    /// How many tokens of each row the cache holds.
    private var known: [Int]
    let beginnings: [[Int32]]

    init(
        _ model: any EncoderDecoder,
        _ sources: [[Int32]],
        adapters: SiteAdapters,
        usesCache: Bool,
        device: Device
    ) {
        self.model = model
        self.adapters = adapters
        self.device = device
        self.sources = sources
        beginnings = sources.map { _ in [model.startToken] }
        rows = beginnings
        known = sources.map { _ in 0 }
        cache = usesCache ? KeyValueCache(rows: sources.count) : nil
    }

    var room: [Int] { beginnings.map { model.shape.positions - $0.count } }

    func start() throws(TorchError) -> Tensor {
        try withoutGradients { () throws(TorchError) in
            let unread = zip(rows, known).map { Array($0[$1...]) }
            let batch = SourceTargetBatch(
                source: cache?.isEmpty ?? true ? try tokens(sources) : nil,
                target: try tokens(unread, starts: known)
            )
            var context = ForwardContext(layout: batch.layout, adapters: adapters)
            context.cache = cache
            let last = try model(batch, in: context, wanted: .last).hidden
            if cache != nil { known = rows.map(\.count) }
            return try model.scores(last, in: context).converted(to: .float32)
        }
    }

    func next(_ tokens: [Int32]) throws(TorchError) -> Tensor {
        precondition(tokens.count == rows.count, "a token for each of \(rows.count) rows")
        for (row, token) in tokens.enumerated() { rows[row].append(token) }
        return try start()
    }

    func keep(rows kept: [Int]) throws(TorchError) {
        try cache?.keep(rows: kept)
        sources = kept.map { sources[$0] }
        rows = kept.map { rows[$0] }
        known = kept.map { known[$0] }
    }

    private func tokens(_ rows: [[Int32]], starts: [Int]? = nil) throws(TorchError) -> TokenBatch {
        try TokenBatch(rows: rows.map { ($0, $0.map { _ in 0 }) }, starts: starts, device: device)
    }
}

extension EncoderDecoder {
    /// Begins rows that answer sources.
    ///
    /// - Parameters:
    ///   - prompts: The tokens of each source, of which none is empty.
    ///   - adapters: What acts.
    ///   - usesCache: Whether keys and values are kept from step to step; if `nil`, where adapters let them be the same.
    ///   - device: Where to compute.
    /// - Returns: The rows, of which nothing has been read yet.
    public func draft(
        _ prompts: [[Int32]],
        adapters: SiteAdapters,
        usesCache: Bool?,
        device: Device
    ) -> any Draft {
        AnswerDraft(
            self,
            prompts,
            adapters: adapters,
            usesCache: usesCache ?? keepsStates(with: adapters),
            device: device
        )
    }
}
