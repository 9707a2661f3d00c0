internal import GraftLayers
internal import GraftTorch

/// CLIP's tower over images: a class token and patches, normalised before the first block.
struct ClipVision: ImageTower {
    let sites: SiteMap
    let layerCount: Int
    let imageSize: Int
    private let classToken: Tensor  // [hidden]
    private let positions: Tensor  // [1 + patches, hidden]
    private let patches: PatchEmbedding
    private let firstNorm: LayerNorm
    private let blocks: [PreNormBlock]
    private let lastNorm: LayerNorm

    init(_ configuration: Configuration, _ scope: ParameterScope) throws {
        let (settings, grid) = (configuration.blocks, configuration.grid)
        let hidden = settings.hiddenSize
        let embeddings = scope / "embeddings"
        classToken = try embeddings.parameter("class_embedding", shape: [hidden])
        positions = try (embeddings / "position_embedding").parameter(
            "weight",
            shape: [1 + grid.count, hidden]
        )
        patches = try PatchEmbedding(
            grid,
            hidden: hidden,
            bias: false,
            embeddings / "patch_embedding"
        )
        // The reference's own spelling.
        firstNorm = try LayerNorm(hidden, epsilon: settings.normEpsilon, scope / "pre_layrnorm")
        blocks = try (0..<settings.layerCount).map { layer in
            let names = scope / "encoder" / "layers" / layer
            return try PreNormBlock(settings, Clip.names, .vision, layer: layer, names)
        }
        lastNorm = try LayerNorm(hidden, epsilon: settings.normEpsilon, scope / "post_layernorm")
        layerCount = settings.layerCount
        imageSize = grid.size
        var sites = SiteMap()
        sites.norm.append(NormSite(ClipVision.embeddingNorm, firstNorm))
        sites.embedding.append(EmbeddingSite(ClipVision.embeddings, words: nil, size: hidden))
        for block in blocks { block.publish(in: &sites) }
        self.sites = sites
    }

    private static let embeddings = Site(.vision, layer: nil, .embeddings)
    private static let embeddingNorm = Site(.vision, layer: nil, .embeddingNorm)

    var tower: Site.Tower { .vision }
    var tokensPerImage: Int { positions.size(0) }
    var keepsRows: Bool { blocks.allSatisfy(\.keepsRows) }

    func embedded(
        _ batch: ImageBatch,
        in context: inout ForwardContext
    ) throws(TorchError) -> Tensor {
        let patches = try patches(batch.pixels)  // [rows, patches, hidden]
        let (rows, hidden) = (patches.size(0), patches.size(2))
        let zeros = try Tensor(
            zeros: [rows, 1, hidden],
            dtype: patches.dtype,
            device: patches.device
        )
        let tokens = try Tensor.concatenated([zeros + classToken, patches], along: 1) + positions
        let norm = context.normalization(firstNorm, at: ClipVision.embeddingNorm)
        let embedded = try norm(tokens.reshaped(rows * tokensPerImage, hidden))
        return try context.finishEmbeddings(embedded, at: ClipVision.embeddings)
    }

    func block(
        _ index: Int,
        _ x: Tensor,
        of batch: ImageBatch,
        in context: inout ForwardContext,
        keeping kept: KeptTokens?
    ) throws(TorchError) -> Tensor {
        try blocks[index](x, in: &context, keeping: kept)
    }

    func pooled(_ firstTokens: Tensor) throws(TorchError) -> Tensor? { try lastNorm(firstTokens) }

    /// What `vision_config` says, checked.
    struct Configuration: Decodable {
        let blocks: PreNormBlock.Settings
        let grid: PatchGrid

        enum CodingKeys: String, CodingKey, CaseIterable {
            case imageSize = "image_size"
            case patchSize = "patch_size"
            case channels = "num_channels"
        }

        init(from decoder: any Decoder) throws {
            blocks = try Clip.blocks(decoder, hidden: 768, heads: 12, inner: 3072)
            let fields = try decoder.fields(CodingKeys.self, unknown: .ignored)
            grid = PatchGrid(
                size: try fields.positive(.imageSize, default: 224),
                side: try fields.positive(.patchSize, default: 32),
                channels: try fields.positive(.channels, default: 3)
            )
            guard grid.size % grid.side == 0, grid.channels == 3 else {
                throw fields.invalid(
                    .patchSize,
                    "\(grid.side) must divide an image_size of \(grid.size), of 3 channels"
                )
            }
        }
    }
}
