public import GraftTorch

/// What a forward pass carries along: how the rows lie, which adapters act, what is random.
///
/// Training, evaluation, encoding and serving all run through it. It is a value: nothing about a
/// pass is implicit.
public struct ForwardContext: Sendable {
    /// How the rows lie in the hidden states of this part of the pass.
    public var layout: RaggedLayout
    /// What acts at the sites.
    public let adapters: SiteAdapters
    /// What dropout masks depend on besides their place; `nil` in evaluation, which drops nothing.
    public var dropoutSeed: UInt64?
    /// Where the batch's own tokens lie in ``layout``, if an adapter added others: int64 [own].
    public internal(set) var ownTokens: Tensor?

    /// The keys and values of tokens that came before, in generation.
    public var cache: KeyValueCache?
    private var rotary: RotaryTable?
    var bias: RelativeBias?

    /// Told what a fusion weighs its parts with at a site: [tokens, parts].
    public var observe: (@Sendable (Site, Tensor) -> Void)?

    /// Creates a context.
    ///
    /// - Parameters:
    ///   - layout: How the rows lie.
    ///   - adapters: What acts at the sites; by default nothing.
    ///   - dropoutSeed: The run's seed mixed with the step, for training; `nil` for evaluation.
    public init(
        layout: RaggedLayout,
        adapters: SiteAdapters = SiteAdapters(),
        dropoutSeed: UInt64? = nil
    ) {
        self.layout = layout
        self.adapters = adapters
        self.dropoutSeed = dropoutSeed
    }

    /// Applies a frozen projection and the adapter at its site.
    public func apply(
        _ linear: Linear,
        to x: Tensor,
        at site: Site
    ) throws(TorchError) -> Tensor {
        let output = try linear(x)
        guard let adapter = adapters.linear[site] else { return output }
        return try adapter(input: x, output: output, in: self)
    }

    /// The normalisation in force at a norm site.
    public func normalization(_ norm: any AffineNormalization, at site: Site) -> any Normalization {
        adapters.norm[site]?.replacing(norm) ?? norm
    }

    /// Ends a sub-layer: the adapter at its hidden site, the residual and, in post-LN, the norm.
    ///
    /// - Parameters:
    ///   - output: The sub-layer's output after dropout: [tokens, hidden]
    ///   - residual: What the block adds: [tokens, hidden]
    ///   - norm: The norm after the addition, in post-LN blocks.
    ///   - site: The hidden site at which the sub-layer ends.
    /// - Returns: The block's hidden states: [tokens, hidden]
    /// - Throws: What the adapter throws, or `TorchError` if shapes do not fit.
    public func finish(
        _ output: Tensor,
        residual: Tensor,
        norm: (any Normalization)?,
        at site: Site
    ) throws(TorchError) -> Tensor {
        let state = HiddenState(output: output, residual: residual, norm: norm, site: site)
        guard let adapter = adapters.hidden[site] else { return try state.finished(output) }
        let adapted = try adapter(state, in: self)
        return adapter.keepsBlockOutput ? try state.finished(adapted) : adapted
    }

    /// Whether every adapter of a block computes a token's result from that token alone.
    public func isTokenwise(layer: Int, in tower: Site.Tower) -> Bool {
        adapters.isTokenwise(layer: layer, in: tower)
    }

    /// The angles of this context's tokens, computed by the first block that asks.
    ///
    /// - Parameters:
    ///   - frequencies: The angle between neighbours, the same for all blocks of a model.
    ///   - device: Where the tokens are.
    /// - Returns: The angles of all tokens; the layout must not have been narrowed yet.
    /// - Throws: `TorchError` if memory runs out.
    public mutating func rotaryTable(
        _ frequencies: [Float],
        device: Device
    ) throws(TorchError) -> RotaryTable {
        if let rotary { return rotary }
        let positions = (0..<layout.rowCount).flatMap { row in
            let start = Int64(cache?.lengths[row] ?? 0)
            return start..<start + Int64(layout.length(row))
        }
        let table = try RotaryTable(
            positions: positions,
            frequencies: frequencies,
            device: device
        )
        rotary = table
        return table
    }

    /// Ends a block: the adapter at its output.
    public func finishBlock(_ hidden: Tensor, at site: Site) throws(TorchError) -> Tensor {
        try adapters.block[site]?(hidden, at: site, in: self) ?? hidden
    }

    /// Ends the embeddings: the adapter at their output, which may add tokens to the layout.
    public mutating func finishEmbeddings(
        _ embedded: Tensor,
        at site: Site
    ) throws(TorchError) -> Tensor {
        try adapters.embedding[site]?(embedded, at: site, in: &self) ?? embedded
    }

    /// Takes back from hidden states, [tokens, hidden], what the adapter at the embeddings does to
    /// each token, in front of a language-model head.
    public func undoEmbeddings(_ hidden: Tensor, at site: Site) throws(TorchError) -> Tensor {
        try adapters.embedding[site]?.inverse(hidden) ?? hidden
    }

    /// Dropout at a named place; the input itself in evaluation.
    ///
    /// - Parameters:
    ///   - x: Hidden states: [tokens, width]
    ///   - probability: The share that is dropped, in 0 ..< 1.
    ///   - site: Where in the model this is.
    ///   - place: A name that no other dropout of the model has at this site.
    ///   - wholeRows: Whether a row of the batch is kept or dropped as one (stochastic depth).
    /// - Returns: The states with dropped elements zero and the others scaled up.
    /// - Throws: `TorchError` if `x` has other rows than the layout has tokens.
    public func dropout(
        _ x: Tensor,
        _ probability: Double,
        at site: Site,
        _ place: StaticString = "",
        wholeRows: Bool = false
    ) throws(TorchError) -> Tensor {
        guard let seed = seed(at: site, place), probability > 0 else { return x }
        let keys =
            wholeRows
            ? try Tensor(layout.rowKeys).selecting(layout.rowOfToken.moved(to: .cpu))
            : layout.tokenKeys
        return try x.dropout(probability, seed: seed, keys: keys, wholeRows: wholeRows)
    }

    /// The same pass as a member of a composition sees it: what it drops is its own.
    ///
    /// - Parameter number: Which member, counted from 0.
    /// - Returns: This pass in evaluation; in training one with masks of its own.
    public func member(_ number: Int) -> ForwardContext {
        guard let dropoutSeed else { return self }
        var context = self
        context.dropoutSeed = StableHash.mix(dropoutSeed, UInt64(number) &+ 1)
        return context
    }

    /// The seed of a dropout at a named place, or `nil` in evaluation.
    public func seed(at site: Site, _ place: StaticString) -> UInt64? {
        dropoutSeed.map { StableHash.mix($0, StableHash.of(site.path + "/" + place.description)) }
    }
}
