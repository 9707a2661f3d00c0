public import GraftLayers
public import GraftTorch

/// Rows that a model writes on, and what it has read of each.
///
/// A draft is made of prompts (``LanguageModel/draft(_:adapters:usesCache:device:)``). It scores every token of the vocabulary
/// as the next of each row, reads the tokens that were chosen, and so on. Whether a row is one sequence or answers another, and
/// what is remembered between steps, is the family's. One task at a time uses a draft.
public protocol Draft: AnyObject {
    /// What each row began with, which a repetition penalty counts as written.
    var beginnings: [[Int32]] { get }
    /// How many tokens can be written behind each row's beginning.
    var room: [Int] { get }

    /// Reads the prompts and scores the first new token.
    ///
    /// - Returns: Unscaled scores: float32 [rows, vocabulary]
    /// - Throws: `TorchError`, of kind `invalidArgument` if a prompt is longer than the model's positions.
    func start() throws(TorchError) -> Tensor

    /// Reads one more token of each row and scores the one after it.
    ///
    /// - Parameter tokens: What was chosen, a token for each row.
    /// - Returns: As ``start()``.
    /// - Throws: `TorchError` if a token is none of the vocabulary.
    func next(_ tokens: [Int32]) throws(TorchError) -> Tensor

    /// Goes on with some of the rows, in an order and as often as asked.
    func keep(rows: [Int]) throws(TorchError)
}

/// Rows of a causal model, each a sequence that goes on where its prompt ends.
final class CausalDraft: Draft {
    private let model: any TextEncoder & LanguageModel
    private let adapters: SiteAdapters
    private let device: Device
    private let cache: KeyValueCache?
    private var rows: [[Int32]]
    /// How many tokens of each row the cache holds.
    private var known: [Int]
    let beginnings: [[Int32]]

    init(
        _ model: any TextEncoder & LanguageModel,
        _ prompts: [[Int32]],
        adapters: SiteAdapters,
        usesCache: Bool,
        device: Device
    ) {
        self.model = model
        self.adapters = adapters
        self.device = device
        (beginnings, rows) = (prompts, prompts)
        known = prompts.map { _ in 0 }
        let longest = prompts.map(\.count).max() ?? 0
        cache = usesCache ? KeyValueCache(rows: prompts.count, capacity: longest + 64) : nil
    }

    var room: [Int] { beginnings.map { max(0, model.shape.positions - $0.count) } }

    func start() throws(TorchError) -> Tensor {
        try withoutGradients { () throws(TorchError) in
            let unread = zip(rows, known).map { Array($0[$1...]) }
            let batch = try TokenBatch(
                rows: unread.map { ($0, $0.map { _ in 0 }) },
                starts: known,
                device: device
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
        rows = kept.map { rows[$0] }
        known = kept.map { known[$0] }
    }
}

extension LanguageModel where Self: TextEncoder {
    /// Begins rows that go on where their prompts end.
    ///
    /// - Parameters:
    ///   - prompts: The tokens of each row, of which none is empty.
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
        CausalDraft(
            self,
            prompts,
            adapters: adapters,
            usesCache: usesCache ?? keepsStates(with: adapters),
            device: device
        )
    }
}

extension Tower {
    /// Whether a token's states stay as they are when others follow: not with gates that average over a row, nor
    /// with interventions in blocks, which count a row's tokens.
    func keepsStates(with adapters: SiteAdapters) -> Bool {
        (0..<layerCount).allSatisfy { adapters.isTokenwise(layer: $0, in: tower) }
    }
}
