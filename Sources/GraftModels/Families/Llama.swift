public import GraftLayers
public import GraftTorch

/// Llama 2 and 3, Mistral, Qwen 2 and TinyLlama: causal pre-LN blocks with rotary positions.
///
/// Reference: Touvron et al., [Llama](https://arxiv.org/abs/2302.13971) and
/// [Llama 2](https://arxiv.org/abs/2307.09288); numerically `transformers` 4.57.6,
/// `models/llama/modeling_llama.py`, whose parameter names this file uses, and `models/mistral` and
/// `models/qwen2` for what is different there: sliding windows, and biases of queries, keys and
/// values.
public struct Llama: TextEncoder, LanguageModel {
    public static let modelTypes = ["llama", "mistral", "qwen2"]
    public static let checkpointPrefix = "model"

    public let shape: ModelShape
    public let sites: SiteMap
    public let vocabulary: Linear?
    private let words: Tensor  // [vocabulary, hidden]
    private let blocks: [Block]
    private let norm: RMSNorm

    public init(_ file: ConfigurationFile, _ scope: ParameterScope) throws {
        let configuration = try file.decode(Configuration.self)
        let (entries, hidden) = (configuration.vocabularySize, configuration.hiddenSize)
        words = try (scope / "embed_tokens").parameter("weight", shape: [entries, hidden])
        blocks = try (0..<configuration.layerCount).map { layer in
            try Block(configuration, layer: layer, scope / "layers" / layer)
        }
        norm = try RMSNorm(hidden, epsilon: configuration.normEpsilon, scope / "norm")
        let head = scope / "lm_head"
        if configuration.isTied {
            vocabulary = Linear(weight: DenseWeight(words))
        } else {
            vocabulary =
                head.contains("weight") ? try Linear(hidden, entries, bias: false, head) : nil
        }
        shape = ModelShape(
            family: configuration.family,
            hiddenSize: hidden,
            layerCount: configuration.layerCount,
            vocabularySize: entries,
            positions: configuration.positions,
            headDropout: 0,
            initializerRange: configuration.initializerRange,
            hasPooler: false,
            isCausal: true
        )
        var sites = SiteMap()
        sites.embedding.append(EmbeddingSite(Llama.site(.embeddings), words: words, size: hidden))
        for block in blocks { block.publish(in: &sites) }
        sites.norm.append(NormSite(Llama.site(.finalNorm), norm))
        self.sites = sites
    }

    public var tower: Site.Tower { .decoder }
    public var embeddingSite: Site { Llama.site(.embeddings) }

    public func embedded(
        _ batch: TokenBatch,
        in context: inout ForwardContext
    ) throws(TorchError) -> Tensor {
        try shape.checkLengths(of: batch)
        return try context.finishEmbeddings(words.embedding(batch.ids), at: embeddingSite)
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
        let norm = context.normalization(norm, at: Llama.site(.finalNorm))
        return try norm(hidden)
    }

    public var keepsRows: Bool {
        guard let block = blocks.first else { return true }
        return block.activation.keepsRows(width: block.up.weight.outputSize)
    }

    private static func site(_ role: Site.Role) -> Site { Site(.decoder, layer: nil, role) }
}
