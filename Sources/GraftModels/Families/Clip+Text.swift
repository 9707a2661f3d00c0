internal import GraftLayers
internal import GraftTorch

/// CLIP's tower over texts: causal blocks, so that the last token has seen all.
struct ClipText: Tower {
    let sites: SiteMap
    let layerCount: Int
    private let words: Tensor  // [vocabulary, hidden]
    private let positions: Tensor  // [positions, hidden]
    private let blocks: [PreNormBlock]
    private let norm: LayerNorm
    private let endToken: Int64

    init(_ configuration: Configuration, _ scope: ParameterScope) throws {
        var settings = configuration.blocks
        settings.isCausal = true
        let hidden = settings.hiddenSize
        let embeddings = scope / "embeddings"
        words = try (embeddings / "token_embedding").parameter(
            "weight",
            shape: [configuration.vocabularySize, hidden]
        )
        positions = try (embeddings / "position_embedding").parameter(
            "weight",
            shape: [configuration.positions, hidden]
        )
        blocks = try (0..<settings.layerCount).map { [settings] layer in
            let names = scope / "encoder" / "layers" / layer
            return try PreNormBlock(settings, Clip.names, .text, layer: layer, names)
        }
        norm = try LayerNorm(hidden, epsilon: settings.normEpsilon, scope / "final_layer_norm")
        endToken = configuration.endToken
        layerCount = settings.layerCount
        var sites = SiteMap()
        sites.embedding.append(EmbeddingSite(ClipText.embeddings, words: words, size: hidden))
        for block in blocks { block.publish(in: &sites) }
        sites.norm.append(NormSite(ClipText.finalNorm, norm))
        self.sites = sites
    }

    private static let embeddings = Site(.text, layer: nil, .embeddings)
    private static let finalNorm = Site(.text, layer: nil, .finalNorm)

    var tower: Site.Tower { .text }
    var keepsRows: Bool { blocks.allSatisfy(\.keepsRows) }

    /// The place of each row's end-of-text token, whose state stands for the row.
    ///
    /// As the reference: the first such token; where `eos_token_id` is 2, which OpenAI's own files say by mistake,
    /// the first of the largest ids.
    func ends(of batch: TokenBatch) throws(TorchError) -> [Int64] {
        let ids: [Int64] = try batch.ids.values()
        let offsets = batch.layout.offsets
        return try (0..<batch.layout.rowCount).map { row throws(TorchError) in
            let range = Int(offsets[row])..<Int(offsets[row + 1])
            let end = endToken == 2 ? ids[range].max() : endToken
            guard let place = range.first(where: { ids[$0] == end }) else {
                throw TorchError(
                    kind: .invalidArgument,
                    operation: "clip",
                    message: "row \(row) has no end-of-text token (\(endToken))"
                )
            }
            return Int64(place)
        }
    }

    func embedded(
        _ batch: TokenBatch,
        in context: inout ForwardContext
    ) throws(TorchError) -> Tensor {
        let limit = positions.size(0)
        for row in 0..<batch.layout.rowCount where batch.layout.length(row) > limit {
            throw TorchError(
                kind: .invalidArgument,
                operation: "clip",
                message: "row \(row) has \(batch.layout.length(row)) tokens, the model"
                    + " \(limit) positions (hint: lower the maximum length)"
            )
        }
        let embedded = try words.embedding(batch.ids) + positions.embedding(batch.positions)
        return try context.finishEmbeddings(embedded, at: ClipText.embeddings)
    }

    func block(
        _ index: Int,
        _ x: Tensor,
        of batch: TokenBatch,
        in context: inout ForwardContext,
        keeping kept: KeptTokens?
    ) throws(TorchError) -> Tensor {
        try blocks[index](x, in: &context, keeping: kept)
    }

    func finished(_ hidden: Tensor, in context: ForwardContext) throws(TorchError) -> Tensor {
        let norm = context.normalization(norm, at: ClipText.finalNorm)
        return try norm(hidden)
    }

    /// What `text_config` says, checked.
    struct Configuration: Decodable {
        let blocks: PreNormBlock.Settings
        let vocabularySize: Int
        let positions: Int
        let endToken: Int64

        enum CodingKeys: String, CodingKey, CaseIterable {
            case vocabularySize = "vocab_size"
            case positions = "max_position_embeddings"
            case endToken = "eos_token_id"
        }

        init(from decoder: any Decoder) throws {
            blocks = try Clip.blocks(decoder, hidden: 512, heads: 8, inner: 2048)
            let fields = try decoder.fields(CodingKeys.self, unknown: .ignored)
            vocabularySize = try fields.positive(.vocabularySize, default: 49408)
            positions = try fields.positive(.positions, default: 77)
            endToken = try fields.value(.endToken, default: 49407)
        }
    }
}
