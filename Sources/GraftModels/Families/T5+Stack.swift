internal import GraftLayers
internal import GraftTorch

extension T5 {
    /// What encoder and decoder share: word embeddings, blocks with one table of biases, and a last norm.
    struct Stack: Sendable {
        let tower: Site.Tower
        let sites: SiteMap
        let blocks: [Block]
        private let words: Tensor  // [vocabulary, hidden]
        private let biases: Tensor  // [buckets, heads]
        private let buckets: RelativeBuckets
        private let norm: RMSNorm
        private let dropout: Double

        init(
            _ configuration: Configuration,
            _ tower: Site.Tower,
            words: Tensor,
            _ scope: ParameterScope
        ) throws {
            let isDecoder = tower == .decoder
            let count =
                isDecoder ? configuration.decoderLayerCount : configuration.encoderLayerCount
            let scopes = scope / "block"
            blocks = try (0..<count).map { layer in
                try Block(configuration, tower, layer: layer, scopes / layer)
            }
            // The first block's attention holds the table of all.
            let first = scopes / 0 / "layer" / 0 / "SelfAttention" / "relative_attention_bias"
            biases = try first.parameter(
                "weight",
                shape: [configuration.bucketCount, configuration.headCount]
            )
            buckets = RelativeBuckets(
                count: configuration.bucketCount,
                farthest: configuration.farthest,
                isBidirectional: !isDecoder
            )
            norm = try RMSNorm(
                configuration.hiddenSize,
                epsilon: configuration.normEpsilon,
                scope / "final_layer_norm"
            )
            dropout = configuration.dropout
            self.words = words
            self.tower = tower
            func site(_ role: Site.Role) -> Site { Site(tower, layer: nil, role) }
            var sites = SiteMap()
            sites.embedding.append(
                EmbeddingSite(site(.embeddings), words: words, size: configuration.hiddenSize)
            )
            for block in blocks { block.publish(in: &sites, layerCount: count) }
            sites.norm.append(NormSite(site(.finalNorm), norm))
            self.sites = sites
        }

        /// Whether rows keep their bits in any batch.
        var keepsRows: Bool { blocks.allSatisfy(\.keepsRows) }

        func site(_ role: Site.Role) -> Site { Site(tower, layer: nil, role) }

        // -> [tokens, hidden]
        func embedded(
            _ batch: TokenBatch,
            in context: inout ForwardContext
        ) throws(TorchError) -> Tensor {
            let site = site(.embeddings)
            let embedded = try words.embedding(batch.ids)
            return try context.finishEmbeddings(
                context.dropout(embedded, dropout, at: site),
                at: site
            )
        }

        // x: [tokens, hidden] -> [tokens, hidden], of the kept tokens alone if there are such
        func block(
            _ index: Int,
            _ x: Tensor,
            across encoded: EncoderOutput? = nil,
            in context: inout ForwardContext,
            keeping kept: KeptTokens?
        ) throws(TorchError) -> Tensor {
            let bias = try context.relativeBias { longest throws(TorchError) in
                try buckets.biases(of: biases, longest: longest)
            }
            return try blocks[index](
                x,
                bias: bias,
                across: encoded,
                in: &context,
                keeping: kept
            )
        }

        func finished(_ hidden: Tensor, in context: ForwardContext) throws(TorchError) -> Tensor {
            let site = site(.finalNorm)
            let norm = context.normalization(norm, at: site)
            return try context.dropout(norm(hidden), dropout, at: site)
        }
    }

    /// The encoder: a tower over the source's tokens.
    struct Encoder: Tower {
        let stack: Stack

        var tower: Site.Tower { stack.tower }
        var layerCount: Int { stack.blocks.count }
        var sites: SiteMap { stack.sites }
        var keepsRows: Bool { stack.keepsRows }

        func embedded(
            _ batch: TokenBatch,
            in context: inout ForwardContext
        ) throws(TorchError) -> Tensor {
            try stack.embedded(batch, in: &context)
        }

        func block(
            _ index: Int,
            _ x: Tensor,
            of batch: TokenBatch,
            in context: inout ForwardContext,
            keeping kept: KeptTokens?
        ) throws(TorchError) -> Tensor {
            try stack.block(index, x, in: &context, keeping: kept)
        }

        func finished(_ hidden: Tensor, in context: ForwardContext) throws(TorchError) -> Tensor {
            try stack.finished(hidden, in: context)
        }
    }
}
