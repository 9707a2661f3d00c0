internal import GraftLayers
internal import GraftTorch

/// What ViT and DeiT share: patches, special tokens in front, pre-LN blocks, a norm and perhaps a pooler.
struct VisionTransformer: Sendable {
    static let tower = Site.Tower.vision

    let shape: ModelShape
    let sites: SiteMap
    let imageSize: Int
    private let specials: [Tensor]  // [1, 1, hidden] each
    private let positions: Tensor  // [1, specials + patches, hidden]
    private let patches: PatchEmbedding
    private let blocks: [PreNormBlock]
    private let norm: LayerNorm
    private let pooler: Linear?
    private let poolerActivation: Activation
    private let dropout: Double

    /// Reads a model.
    ///
    /// - Parameters:
    ///   - configuration: What `config.json` says.
    ///   - family: The value of `model_type`.
    ///   - tokens: The names of the special tokens in front of the patches.
    ///   - scope: The root of the base model's parameters.
    /// - Throws: What the scope throws.
    init(
        _ configuration: Configuration,
        family: String,
        tokens: [String],
        _ scope: ParameterScope
    ) throws {
        let (grid, settings) = (configuration.grid, configuration.blocks)
        let hidden = settings.hiddenSize
        let embeddings = scope / "embeddings"
        specials = try tokens.map { try embeddings.parameter($0, shape: [1, 1, hidden]) }
        positions = try embeddings.parameter(
            "position_embeddings",
            shape: [1, specials.count + grid.count, hidden]
        )
        patches = try PatchEmbedding(
            grid,
            hidden: hidden,
            embeddings / "patch_embeddings" / "projection"
        )
        blocks = try (0..<settings.layerCount).map { layer in
            try PreNormBlock(
                settings,
                VisionTransformer.names,
                VisionTransformer.tower,
                layer: layer,
                scope / "encoder" / "layer" / layer
            )
        }
        norm = try LayerNorm(hidden, epsilon: settings.normEpsilon, scope / "layernorm")
        let dense = scope / "pooler" / "dense"
        pooler = dense.contains("weight") ? try Linear(hidden, hidden, dense) : nil
        poolerActivation = configuration.poolerActivation
        dropout = settings.hiddenDropout
        imageSize = grid.size
        shape = ModelShape(
            family: family,
            hiddenSize: hidden,
            layerCount: settings.layerCount,
            vocabularySize: 0,
            positions: specials.count + grid.count,
            headDropout: 0,
            initializerRange: configuration.initializerRange,
            hasPooler: pooler != nil
        )
        var sites = SiteMap()
        sites.embedding.append(
            EmbeddingSite(VisionTransformer.site(.embeddings), words: nil, size: hidden)
        )
        for block in blocks { block.publish(in: &sites) }
        sites.norm.append(NormSite(VisionTransformer.site(.finalNorm), norm))
        self.sites = sites
    }

    private static let names = PreNormBlock.Names(
        query: ["attention", "attention", "query"],
        key: ["attention", "attention", "key"],
        value: ["attention", "attention", "value"],
        attentionOutput: ["attention", "output", "dense"],
        up: ["intermediate", "dense"],
        down: ["output", "dense"],
        attentionNorm: "layernorm_before",
        feedForwardNorm: "layernorm_after"
    )

    private static func site(_ role: Site.Role) -> Site { Site(tower, layer: nil, role) }

    var tokensPerImage: Int { positions.size(1) }

    var keepsRows: Bool { blocks.allSatisfy(\.keepsRows) }

    // -> [tokens, hidden]
    func embedded(
        _ batch: ImageBatch,
        in context: inout ForwardContext
    ) throws(TorchError) -> Tensor {
        let patches = try patches(batch.pixels)  // [rows, patches, hidden]
        let rows = patches.size(0)
        let zeros = try Tensor(
            zeros: [rows, 1, shape.hiddenSize],
            dtype: patches.dtype,
            device: patches.device
        )
        let front = try specials.map { token throws(TorchError) in try zeros + token }
        let site = VisionTransformer.site(.embeddings)
        let embedded =
            try (Tensor.concatenated(front + [patches], along: 1) + positions)
            .reshaped(rows * tokensPerImage, shape.hiddenSize)
        return try context.finishEmbeddings(
            context.dropout(embedded, dropout, at: site),
            at: site
        )
    }

    func block(
        _ index: Int,
        _ x: Tensor,
        in context: inout ForwardContext,
        keeping kept: KeptTokens?
    ) throws(TorchError) -> Tensor {
        try blocks[index](x, in: &context, keeping: kept)
    }

    func finished(_ hidden: Tensor, in context: ForwardContext) throws(TorchError) -> Tensor {
        let norm = context.normalization(norm, at: VisionTransformer.site(.finalNorm))
        return try norm(hidden)
    }

    func pooled(_ firstTokens: Tensor) throws(TorchError) -> Tensor? {
        guard let pooler else { return nil }
        return try poolerActivation(pooler(firstTokens))
    }
}

extension VisionTransformer {
    /// What `config.json` says, checked.
    struct Configuration: Decodable {
        let grid: PatchGrid
        let blocks: PreNormBlock.Settings
        let poolerActivation: Activation
        let initializerRange: Double

        enum CodingKeys: String, CodingKey, CaseIterable {
            case hiddenSize = "hidden_size"
            case layerCount = "num_hidden_layers"
            case headCount = "num_attention_heads"
            case innerSize = "intermediate_size"
            case activation = "hidden_act"
            case hiddenDropout = "hidden_dropout_prob"
            case attentionDropout = "attention_probs_dropout_prob"
            case normEpsilon = "layer_norm_eps"
            case initializerRange = "initializer_range"
            case imageSize = "image_size"
            case patchSize = "patch_size"
            case channels = "num_channels"
            case queryBias = "qkv_bias"
            case poolerActivation = "pooler_act"
            case poolerSize = "pooler_output_size"
        }

        // Absent fields have the defaults of transformers' ViTConfig and DeiTConfig.
        init(from decoder: any Decoder) throws {
            let fields = try decoder.fields(CodingKeys.self, unknown: .ignored)
            let hiddenSize = try fields.positive(.hiddenSize, default: 768)
            let headCount = try fields.positive(.headCount, default: 12)
            guard hiddenSize % headCount == 0 else {
                throw fields.invalid(
                    .headCount,
                    "\(headCount) heads do not divide a hidden_size of \(hiddenSize)"
                )
            }
            blocks = PreNormBlock.Settings(
                hiddenSize: hiddenSize,
                innerSize: try fields.positive(.innerSize, default: 3072),
                headCount: headCount,
                layerCount: try fields.layerCount(.layerCount, default: 12),
                activation: try fields.value(.activation, default: .gelu),
                normEpsilon: try fields.value(.normEpsilon, default: 1e-12),
                hasQueryBias: try fields.value(.queryBias, default: true),
                hiddenDropout: try fields.probability(.hiddenDropout, default: 0),
                attentionDropout: try fields.probability(.attentionDropout, default: 0)
            )
            grid = PatchGrid(
                size: try fields.positive(.imageSize, default: 224),
                side: try fields.positive(.patchSize, default: 16),
                channels: try fields.positive(.channels, default: 3)
            )
            guard grid.size % grid.side == 0 else {
                throw fields.invalid(
                    .patchSize,
                    "\(grid.side) does not divide an image_size of \(grid.size)"
                )
            }
            guard grid.channels == 3 else {
                throw fields.invalid(
                    .channels,
                    "\(grid.channels) is not supported: Graft decodes images to 3"
                )
            }
            poolerActivation = try fields.value(.poolerActivation, default: .tanh)
            initializerRange = try fields.value(.initializerRange, default: 0.02)
            let poolerSize = try fields.optional(.poolerSize) ?? hiddenSize
            guard poolerSize == hiddenSize else {
                throw fields.invalid(.poolerSize, "must equal hidden_size, found \(poolerSize)")
            }
        }
    }
}
