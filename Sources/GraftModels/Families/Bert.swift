public import GraftLayers
public import GraftTorch

/// BERT: bidirectional post-LN blocks over word, position and segment embeddings.
///
/// Reference: Devlin et al., [BERT](https://arxiv.org/abs/1810.04805); numerically `transformers`
/// 4.57.6, `models/bert/modeling_bert.py`, whose parameter names this file uses. MiniLM and many
/// sentence encoders are BERT models too.
public struct Bert: TextEncoder {
    public static let modelTypes = ["bert"]
    public static let checkpointPrefix = "bert"

    public let shape: ModelShape
    public let sites: SiteMap
    private let embeddings: Embeddings
    private let blocks: [Block]
    private let pooler: Linear?

    public init(_ file: ConfigurationFile, _ scope: ParameterScope) throws {
        let configuration = try file.decode(Configuration.self)
        embeddings = try Embeddings(configuration, scope / "embeddings")
        blocks = try (0..<configuration.layerCount).map { layer in
            try Block(configuration, layer: layer, scope / "encoder" / "layer" / layer)
        }
        let hidden = configuration.hiddenSize
        let dense = scope / "pooler" / "dense"
        pooler = dense.contains("weight") ? try Linear(hidden, hidden, dense) : nil
        shape = ModelShape(
            family: "bert",
            hiddenSize: hidden,
            layerCount: configuration.layerCount,
            vocabularySize: configuration.vocabularySize,
            positions: configuration.positions,
            headDropout: configuration.headDropout,
            initializerRange: configuration.initializerRange,
            hasPooler: pooler != nil
        )
        var sites = SiteMap()
        embeddings.publish(in: &sites)
        for block in blocks { block.publish(in: &sites) }
        self.sites = sites
    }

    public func embedded(
        _ batch: TokenBatch,
        in context: inout ForwardContext
    ) throws(TorchError) -> Tensor {
        try checkLengths(batch.layout)
        return try embeddings(batch, in: &context)
    }

    public var tower: Site.Tower { .encoder }

    public func block(
        _ index: Int,
        _ x: Tensor,
        of batch: TokenBatch,
        in context: inout ForwardContext,
        keeping kept: KeptTokens?
    ) throws(TorchError) -> Tensor {
        try blocks[index](x, in: &context, keeping: kept)
    }

    public var keepsRows: Bool {
        guard let block = blocks.first else { return true }
        return block.activation.keepsRows(width: block.up.weight.outputSize)
    }

    public func pooled(_ firstTokens: Tensor) throws(TorchError) -> Tensor? {
        try pooler?(firstTokens).tanh()
    }

    private func checkLengths(_ layout: RaggedLayout) throws(TorchError) {
        for row in 0..<layout.rowCount where layout.length(row) > shape.positions {
            throw TorchError(
                kind: .invalidArgument,
                operation: "bert",
                message: "row \(row) has \(layout.length(row)) tokens, the model"
                    + " \(shape.positions) positions (hint: lower the maximum length)"
            )
        }
    }
}

extension Bert {
    /// Word, position and segment embeddings, their sum normalised.
    struct Embeddings: Sendable {
        let words: Tensor  // [vocabulary, hidden]
        let positions: Tensor  // [positions, hidden]
        let types: Tensor  // [types, hidden]
        let norm: LayerNorm
        let dropout: Double

        init(_ configuration: Configuration, _ scope: ParameterScope) throws {
            func table(_ name: String, _ entries: Int) throws -> Tensor {
                let shape = [entries, configuration.hiddenSize]
                return try (scope / name).parameter("weight", shape: shape)
            }
            words = try table("word_embeddings", configuration.vocabularySize)
            positions = try table("position_embeddings", configuration.positions)
            types = try table("token_type_embeddings", configuration.typeCount)
            norm = try LayerNorm(
                configuration.hiddenSize,
                epsilon: configuration.normEpsilon,
                scope / "LayerNorm"
            )
            dropout = configuration.hiddenDropout
        }

        static func site(_ role: Site.Role) -> Site { Site(.encoder, layer: nil, role) }

        func publish(in sites: inout SiteMap) {
            let site = Embeddings.site(.embeddings)
            sites.norm.append(NormSite(Embeddings.site(.embeddingNorm), norm))
            sites.embedding.append(EmbeddingSite(site, words: words, size: words.size(1)))
        }

        // -> [tokens, hidden]
        func callAsFunction(
            _ batch: TokenBatch,
            in context: inout ForwardContext
        ) throws(TorchError) -> Tensor {
            let sum =
                try words.embedding(batch.ids) + types.embedding(batch.typeIDs)
                + positions.embedding(batch.positions)
            let norm = context.normalization(norm, at: Embeddings.site(.embeddingNorm))
            let site = Embeddings.site(.embeddings)
            let embedded = try context.dropout(norm(sum), dropout, at: site)
            return try context.finishEmbeddings(embedded, at: site)
        }
    }

    /// Self-attention and feed-forward, each followed by a residual addition and a norm.
    struct Block: Sendable {
        let query: Linear
        let key: Linear
        let value: Linear
        let attentionOutput: Linear
        let attentionNorm: LayerNorm
        let up: Linear
        let activation: Activation
        let down: Linear
        let feedForwardNorm: LayerNorm
        let attention: AttentionShape
        let hiddenDropout: Double
        let layer: Int
        let layerCount: Int

        init(_ configuration: Configuration, layer: Int, _ scope: ParameterScope) throws {
            let (hidden, inner) = (configuration.hiddenSize, configuration.innerSize)
            let names = scope / "attention"
            let epsilon = configuration.normEpsilon
            query = try Linear(hidden, hidden, names / "self" / "query")
            key = try Linear(hidden, hidden, names / "self" / "key")
            value = try Linear(hidden, hidden, names / "self" / "value")
            attentionOutput = try Linear(hidden, hidden, names / "output" / "dense")
            attentionNorm = try LayerNorm(
                hidden,
                epsilon: epsilon,
                names / "output" / "LayerNorm"
            )
            up = try Linear(hidden, inner, scope / "intermediate" / "dense")
            activation = configuration.activation
            down = try Linear(inner, hidden, scope / "output" / "dense")
            feedForwardNorm = try LayerNorm(
                hidden,
                epsilon: epsilon,
                scope / "output" / "LayerNorm"
            )
            attention = AttentionShape(
                heads: configuration.headCount,
                headSize: hidden / configuration.headCount,
                dropout: configuration.attentionDropout
            )
            hiddenDropout = configuration.hiddenDropout
            self.layer = layer
            layerCount = configuration.layerCount
        }

        func site(_ role: Site.Role) -> Site { Site(.encoder, layer: layer, role) }

        func publish(in sites: inout SiteMap) {
            sites.linear += [
                LinearSite(site(.query), query), LinearSite(site(.key), key),
                LinearSite(site(.value), value),
                LinearSite(site(.attentionOutput), attentionOutput),
                LinearSite(site(.up), up), LinearSite(site(.down), down),
            ]
            let size = down.weight.outputSize
            sites.hidden += [site(.attention), site(.feedForward)].map {
                HiddenSite($0, size: size, layerCount: layerCount, isPostNorm: true)
            }
            sites.norm += [
                NormSite(site(.attentionNorm), attentionNorm),
                NormSite(site(.feedForwardNorm), feedForwardNorm),
            ]
            sites.attention.append(
                AttentionSite(
                    site(.selfAttention),
                    hiddenSize: size,
                    keySize: key.weight.outputSize,
                    layerCount: layerCount
                )
            )
            sites.block.append(BlockSite(site(.block), size: size, layerCount: layerCount))
        }

        // x: [tokens, hidden] -> [tokens, hidden], of the kept tokens alone if there are such
        func callAsFunction(
            _ x: Tensor,
            in context: inout ForwardContext,
            keeping kept: KeptTokens?
        ) throws(TorchError) -> Tensor {
            let key = try context.apply(key, to: x, at: site(.key))
            let value = try context.apply(value, to: x, at: site(.value))
            let keyLayout = context.layout
            var x = x
            if let kept {
                x = try kept(x)
                context.layout = kept.layout
            }
            let query = try context.apply(query, to: x, at: site(.query))
            let mixed = try context.attend(
                query: query,
                key: key,
                value: value,
                keyLayout: keyLayout,
                input: x,
                attention,
                at: site(.selfAttention)
            )
            let attended = try context.apply(attentionOutput, to: mixed, at: site(.attentionOutput))
            let afterAttention = try context.finish(
                context.dropout(attended, hiddenDropout, at: site(.attention)),
                residual: x,
                norm: context.normalization(attentionNorm, at: site(.attentionNorm)),
                at: site(.attention)
            )
            let inner = try activation(context.apply(up, to: afterAttention, at: site(.up)))
            let outer = try context.apply(down, to: inner, at: site(.down))
            let afterFeedForward = try context.finish(
                context.dropout(outer, hiddenDropout, at: site(.feedForward)),
                residual: afterAttention,
                norm: context.normalization(feedForwardNorm, at: site(.feedForwardNorm)),
                at: site(.feedForward)
            )
            return try context.finishBlock(afterFeedForward, at: site(.block))
        }
    }
}
