public import GraftLayers
public import GraftTorch

/// A model whose decoder reads, beside tokens of its own, what an encoder made of others.
///
/// As a tower it is the decoder, over pairs of rows; a pass computes the encoder's states first. A batch of
/// tokens alone is the source, and the decoder then reads the same tokens one place later, which is how
/// `adapters` 1.3.0 classifies with such models: the decoder's last token has seen the whole row.
public protocol EncoderDecoder: LanguageModel, Tower where Batch == SourceTargetBatch {
    var sites: SiteMap { get }
    /// The tower over source tokens.
    var encoder: any Tower<TokenBatch> { get }
    /// What the decoder reads in front of a row's first token.
    var startToken: Int32 { get }
}

/// Rows of source tokens, each with the tokens that a decoder reads.
public struct SourceTargetBatch: RaggedBatch {
    /// What the encoder reads; `nil` in passes that go on from a cache, which has its keys and values.
    public let source: TokenBatch?
    /// What the decoder reads.
    public let target: TokenBatch
    /// What the encoder made of ``source``, once a pass has computed it.
    public internal(set) var encoded: EncoderOutput?

    /// Pairs rows; both batches have as many.
    public init(source: TokenBatch?, target: TokenBatch) {
        let rows = target.layout.rowCount
        precondition(source.map { $0.layout.rowCount == rows } ?? true, "\(rows) pairs of rows")
        self.source = source
        self.target = target
    }

    public var layout: RaggedLayout { target.layout }
}

extension EncoderDecoder {
    public var upstream: Set<Site.Tower> { [encoder.tower] }

    public func adopted(
        _ batch: any RaggedBatch
    ) throws(TorchError) -> SourceTargetBatch? {
        if let batch = batch as? SourceTargetBatch { return batch }
        guard let source = batch as? TokenBatch else { return nil }
        return SourceTargetBatch(
            source: source,
            target: try source.shiftedRight(behind: startToken)
        )
    }

    public func completed(
        _ batch: SourceTargetBatch,
        in context: ForwardContext
    ) throws(TorchError) -> SourceTargetBatch {
        guard batch.encoded == nil, let source = batch.source else { return batch }
        // Where nothing learns, nothing is dropped, as in a trunk: the states depend on the row alone.
        let isFrozen =
            encoder.trunkDepth(below: context.adapters) == encoder.layerCount
            && !context.adapters.sites.contains { $0.tower == encoder.tower }
        var sourceContext = ForwardContext(
            layout: source.layout,
            adapters: context.adapters,
            dropoutSeed: isFrozen ? nil : context.dropoutSeed
        )
        sourceContext.observe = context.observe
        var completed = batch
        completed.encoded = try encoder(source, in: sourceContext, wanted: .allWithAdded)
        return completed
    }
}
