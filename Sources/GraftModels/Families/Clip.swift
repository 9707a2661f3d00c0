public import GraftLayers
public import GraftTorch

/// CLIP: a tower over images and one over texts, whose outputs are projected into one space.
///
/// Reference: Radford et al., [Learning Transferable Visual Models](https://arxiv.org/abs/2103.00020);
/// numerically `transformers` 4.57.6, `models/clip/modeling_clip.py`, whose parameter names this file uses.
public struct Clip: ImageTextModel {
    public static let modelTypes = ["clip"]
    public static let checkpointPrefix = "clip"

    public let shape: ModelShape
    public let logitScale: Tensor
    private let text: ClipText
    private let vision: ClipVision
    private let textProjection: Linear
    private let imageProjection: Linear

    public init(_ file: ConfigurationFile, _ scope: ParameterScope) throws {
        let configuration = try file.decode(Configuration.self)
        let (text, vision) = (configuration.text, configuration.vision)
        self.text = try ClipText(text, scope / "text_model")
        self.vision = try ClipVision(vision, scope / "vision_model")
        textProjection = try Linear(
            text.blocks.hiddenSize,
            configuration.projectionSize,
            bias: false,
            scope / "text_projection"
        )
        imageProjection = try Linear(
            vision.blocks.hiddenSize,
            configuration.projectionSize,
            bias: false,
            scope / "visual_projection"
        )
        logitScale = try scope.parameter("logit_scale", shape: [])
        // Heads sit on the tower over images.
        shape = ModelShape(
            family: "clip",
            hiddenSize: vision.blocks.hiddenSize,
            layerCount: vision.blocks.layerCount,
            vocabularySize: text.vocabularySize,
            positions: text.positions,
            headDropout: 0,
            initializerRange: 0.02,
            hasPooler: true
        )
    }

    public var sites: SiteMap { text.sites.joined(with: vision.sites) }

    public var textTower: any Tower<TokenBatch> { text }
    public var imageTower: any ImageTower { vision }
    public var embeddingSize: Int { imageProjection.weight.outputSize }

    public func embedding(
        of batch: TokenBatch,
        in context: ForwardContext
    ) throws(TorchError) -> Tensor {
        let ends = try text.ends(of: batch)
        let output = try text(batch, in: context, wanted: .chosen(ends))
        return try textProjection(output.hidden)
    }

    public func embedding(ofPooled pooled: Tensor) throws(TorchError) -> Tensor {
        try imageProjection(pooled)
    }
}

extension Clip {
    /// What `config.json` says, checked.
    struct Configuration: Decodable {
        let text: ClipText.Configuration
        let vision: ClipVision.Configuration
        let projectionSize: Int

        enum CodingKeys: String, CodingKey, CaseIterable {
            case text = "text_config"
            case vision = "vision_config"
            // The older form, which counts where both are there.
            case olderText = "text_config_dict"
            case olderVision = "vision_config_dict"
            case projectionSize = "projection_dim"
        }

        init(from decoder: any Decoder) throws {
            let fields = try decoder.fields(CodingKeys.self, unknown: .ignored)
            text = try fields.optional(.olderText) ?? fields.required(.text)
            vision = try fields.optional(.olderVision) ?? fields.required(.vision)
            projectionSize = try fields.positive(.projectionSize, default: 512)
        }
    }

    /// The names of a block's parts.
    static let names = PreNormBlock.Names(
        query: ["self_attn", "q_proj"],
        key: ["self_attn", "k_proj"],
        value: ["self_attn", "v_proj"],
        attentionOutput: ["self_attn", "out_proj"],
        up: ["mlp", "fc1"],
        down: ["mlp", "fc2"],
        attentionNorm: "layer_norm1",
        feedForwardNorm: "layer_norm2"
    )

    /// The fields that both towers have, with the defaults of transformers' CLIP configurations.
    enum BlockKeys: String, CodingKey, CaseIterable {
        case hiddenSize = "hidden_size"
        case layerCount = "num_hidden_layers"
        case headCount = "num_attention_heads"
        case innerSize = "intermediate_size"
        case activation = "hidden_act"
        case attentionDropout = "attention_dropout"
        case normEpsilon = "layer_norm_eps"
    }

    /// Reads what both towers have.
    ///
    /// - Parameters:
    ///   - decoder: The configuration of a tower.
    ///   - hidden: The default width.
    ///   - heads: The default number of heads.
    ///   - inner: The default width of the feed-forward network.
    /// - Returns: The settings of its blocks.
    /// - Throws: `ConfigurationError` naming a field that cannot be used.
    static func blocks(
        _ decoder: any Decoder,
        hidden: Int,
        heads: Int,
        inner: Int
    ) throws -> PreNormBlock.Settings {
        let fields = try decoder.fields(BlockKeys.self, unknown: .ignored)
        let hiddenSize = try fields.positive(.hiddenSize, default: hidden)
        let headCount = try fields.positive(.headCount, default: heads)
        guard hiddenSize % headCount == 0 else {
            throw fields.invalid(
                .headCount,
                "\(headCount) heads do not divide a hidden_size of \(hiddenSize)"
            )
        }
        return PreNormBlock.Settings(
            hiddenSize: hiddenSize,
            innerSize: try fields.positive(.innerSize, default: inner),
            headCount: headCount,
            layerCount: try fields.layerCount(.layerCount, default: 12),
            activation: try fields.value(.activation, default: .quickGELU),
            normEpsilon: try fields.value(.normEpsilon, default: 1e-5),
            attentionDropout: try fields.probability(.attentionDropout, default: 0)
        )
    }
}
