public import GraftLayers
public import GraftTorch

/// GPT-2: causal pre-LN blocks with learned positions.
///
/// Reference: Radford et al., Language Models are Unsupervised Multitask Learners (2019);
/// numerically `transformers` 4.57.6, `models/gpt2/modeling_gpt2.py`, whose parameter names this file
/// uses. Its checkpoints store projections as [input, output] and those of queries, keys and values
/// as one; here they are three sites, which view the one matrix.
public struct GPT2: TextEncoder, LanguageModel {
    public static let modelTypes = ["gpt2"]
    public static let checkpointPrefix = "transformer"

    public let shape: ModelShape
    public let sites: SiteMap
    public let vocabulary: Linear?
    private let words: Tensor  // [vocabulary, hidden]
    private let positions: Tensor  // [positions, hidden]
    private let blocks: [PreNormBlock]
    private let norm: LayerNorm
    private let dropout: Double

    public init(_ file: ConfigurationFile, _ scope: ParameterScope) throws {
        let configuration = try file.decode(Configuration.self)
        let (entries, hidden) = (configuration.vocabularySize, configuration.hiddenSize)
        words = try (scope / "wte").parameter("weight", shape: [entries, hidden])
        positions = try (scope / "wpe")
            .parameter("weight", shape: [configuration.positions, hidden])
        blocks = try (0..<configuration.layerCount).map { layer in
            try PreNormBlock(configuration, layer: layer, scope / "h" / layer)
        }
        norm = try LayerNorm(hidden, epsilon: configuration.normEpsilon, scope / "ln_f")
        dropout = configuration.embeddingDropout
        let head = scope / "lm_head"
        if configuration.isTied {
            vocabulary = Linear(weight: DenseWeight(words))
        } else {
            vocabulary =
                head.contains("weight") ? try Linear(hidden, entries, bias: false, head) : nil
        }
        shape = ModelShape(
            family: "gpt2",
            hiddenSize: hidden,
            layerCount: configuration.layerCount,
            vocabularySize: entries,
            positions: configuration.positions,
            headDropout: configuration.headDropout,
            initializerRange: configuration.initializerRange,
            hasPooler: false,
            isCausal: true
        )
        var sites = SiteMap()
        sites.embedding.append(EmbeddingSite(GPT2.site(.embeddings), words: words, size: hidden))
        for block in blocks { block.publish(in: &sites) }
        sites.norm.append(NormSite(GPT2.site(.finalNorm), norm))
        self.sites = sites
    }

    public var tower: Site.Tower { .decoder }
    public var embeddingSite: Site { GPT2.site(.embeddings) }

    public func embedded(
        _ batch: TokenBatch,
        in context: inout ForwardContext
    ) throws(TorchError) -> Tensor {
        try shape.checkLengths(of: batch)
        let sum = try words.embedding(batch.ids) + positions.embedding(batch.positions)
        let embedded = try context.dropout(sum, dropout, at: embeddingSite)
        return try context.finishEmbeddings(embedded, at: embeddingSite)
    }

    public func block(
        _ index: Int,
        _ x: Tensor,
        of batch: TokenBatch,
        in context: inout ForwardContext,
        keeping kept: KeptTokens?
    ) throws(TorchError) -> Tensor {
        try blocks[index](x, in: &context, keeping: kept)
    }

    public func finished(
        _ hidden: Tensor,
        in context: ForwardContext
    ) throws(TorchError) -> Tensor {
        let norm = context.normalization(norm, at: GPT2.site(.finalNorm))
        return try norm(hidden)
    }

    public var keepsRows: Bool { blocks.allSatisfy(\.keepsRows) }

    private static func site(_ role: Site.Role) -> Site { Site(.decoder, layer: nil, role) }
}
