public import GraftLayers
public import GraftTorch

/// T5 1.0 and 1.1, Flan-T5 and mT5: an encoder and a decoder of pre-LN blocks with biases by distance.
///
/// Reference: Raffel et al., [T5](https://arxiv.org/abs/1910.10683), and Xue et al.,
/// [mT5](https://arxiv.org/abs/2010.11934); numerically `transformers` 4.57.6,
/// `models/t5/modeling_t5.py`, whose parameter names this file uses.
public struct T5: EncoderDecoder {
    public static let modelTypes = ["t5", "mt5"]
    public static let checkpointPrefix = "transformer"

    public let shape: ModelShape
    public let sites: SiteMap
    public let vocabulary: Linear?
    public let startToken: Int32
    private let source: Encoder
    private let decoder: Stack
    /// What hidden states are multiplied with to be in the space of tied word embeddings.
    private let outputScale: Double

    public init(_ file: ConfigurationFile, _ scope: ParameterScope) throws {
        let configuration = try file.decode(Configuration.self)
        let (entries, hidden) = (configuration.vocabularySize, configuration.hiddenSize)
        let words = try (scope / "shared").parameter("weight", shape: [entries, hidden])
        func stack(_ tower: Site.Tower) throws -> Stack {
            try Stack(configuration, tower, words: words, scope / tower.rawValue)
        }
        source = Encoder(stack: try stack(.encoder))
        decoder = try stack(.decoder)
        let head = scope / "lm_head"
        let hasOwnOutput = configuration.prefersOwnOutput && head.contains("weight")
        if configuration.isTied, !hasOwnOutput {
            vocabulary = Linear(weight: DenseWeight(words))
        } else {
            vocabulary =
                head.contains("weight") ? try Linear(hidden, entries, bias: false, head) : nil
        }
        outputScale = configuration.scalesOutput ? 1 / Double(hidden).squareRoot() : 1
        startToken = configuration.startToken
        shape = ModelShape(
            family: configuration.family,
            hiddenSize: hidden,
            layerCount: configuration.encoderLayerCount + configuration.decoderLayerCount,
            vocabularySize: entries,
            // Distances have no end: memory alone limits a row.
            positions: 1 << 20,
            headDropout: configuration.dropout,
            initializerRange: 0.02,
            hasPooler: false,
            isCausal: true
        )
        sites = source.sites.joined(with: decoder.sites)
    }

    public var encoder: any Tower<TokenBatch> { source }
    public var tower: Site.Tower { decoder.tower }
    public var layerCount: Int { decoder.blocks.count }
    public var embeddingSite: Site { decoder.site(.embeddings) }
    public var keepsRows: Bool { source.keepsRows && decoder.keepsRows }

    public func embedded(
        _ batch: SourceTargetBatch,
        in context: inout ForwardContext
    ) throws(TorchError) -> Tensor {
        try decoder.embedded(batch.target, in: &context)
    }

    public func block(
        _ index: Int,
        _ x: Tensor,
        of batch: SourceTargetBatch,
        in context: inout ForwardContext,
        keeping kept: KeptTokens?
    ) throws(TorchError) -> Tensor {
        try decoder.block(index, x, across: batch.encoded, in: &context, keeping: kept)
    }

    public func vocabularyInput(
        _ hidden: Tensor,
        in context: ForwardContext
    ) throws(TorchError) -> Tensor {
        try context.undoEmbeddings(hidden, at: embeddingSite) * outputScale
    }

    public func finished(
        _ hidden: Tensor,
        in context: ForwardContext
    ) throws(TorchError) -> Tensor {
        try decoder.finished(hidden, in: context)
    }
}
