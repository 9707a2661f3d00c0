internal import GraftLayers
internal import GraftTorch

/// A family of encoders that is BERT's but for names, sizes and embeddings.
///
/// The family decodes its configuration and says where its checkpoints keep things; the rest is here.
protocol PostNormEncoder: TextEncoder {
    /// All parts of the model.
    var stack: PostNormStack { get }
}

/// Embeddings, post-LN blocks and, in some families, a pooler.
struct PostNormStack: Sendable {
    let shape: ModelShape
    let sites: SiteMap
    let embeddings: AbsoluteEmbeddings
    let blocks: [PostNormBlock]
    let pooler: Linear?

    /// Asks `scope` for all parameters.
    ///
    /// - Parameters:
    ///   - configuration: Sizes and settings.
    ///   - layers: The name of the list of blocks.
    ///   - names: The names within a block.
    ///   - pooler: The name of the pooler's projection, in families that may have one.
    ///   - scope: The root of the base model's parameters.
    /// - Throws: What the scope throws.
    init(
        _ configuration: PostNormConfiguration,
        layers: String = "encoder.layer",
        names: PostNormBlock.Names = PostNormBlock.Names(),
        pooler: String? = "pooler.dense",
        _ scope: ParameterScope
    ) throws {
        let hidden = configuration.hiddenSize
        embeddings = try AbsoluteEmbeddings(configuration, scope)
        blocks = try (0..<configuration.layerCount).map { layer in
            try PostNormBlock(configuration, layer: layer, names, scope / layers / layer)
        }
        // Checkpoints of language models come without.
        let dense = pooler.map { scope / $0 }.flatMap { $0.contains("weight") ? $0 : nil }
        self.pooler = try dense.map { try Linear(hidden, hidden, $0) }
        shape = ModelShape(
            family: configuration.family,
            hiddenSize: hidden,
            layerCount: configuration.layerCount,
            vocabularySize: configuration.vocabularySize,
            positions: configuration.longestRow,
            headDropout: configuration.headDropout ?? configuration.hiddenDropout,
            initializerRange: configuration.initializerRange,
            hasPooler: dense != nil
        )
        var sites = SiteMap()
        embeddings.publish(in: &sites)
        for block in blocks { block.publish(in: &sites) }
        self.sites = sites
    }
}

extension PostNormEncoder {
    public var shape: ModelShape { stack.shape }

    public var tower: Site.Tower { .encoder }

    public var sites: SiteMap { stack.sites }

    public func embedded(
        _ batch: TokenBatch,
        in context: inout ForwardContext
    ) throws(TorchError) -> Tensor {
        try shape.checkLengths(of: batch)
        return try stack.embeddings(batch, in: &context)
    }

    public func block(
        _ index: Int,
        _ x: Tensor,
        of batch: TokenBatch,
        in context: inout ForwardContext,
        keeping kept: KeptTokens?
    ) throws(TorchError) -> Tensor {
        try stack.blocks[index](x, in: &context, keeping: kept)
    }

    public var keepsRows: Bool { stack.blocks.allSatisfy(\.keepsRows) }

    public func pooled(_ firstTokens: Tensor) throws(TorchError) -> Tensor? {
        try stack.pooler?(firstTokens).tanh()
    }
}
