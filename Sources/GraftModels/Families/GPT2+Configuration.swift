internal import GraftLayers

extension GPT2 {
    /// What `config.json` says, checked.
    struct Configuration: Decodable, Sendable {
        let vocabularySize: Int
        let positions: Int
        let hiddenSize: Int
        let layerCount: Int
        let headCount: Int
        let innerSize: Int
        let activation: Activation
        let residualDropout: Double
        let embeddingDropout: Double
        let attentionDropout: Double
        let headDropout: Double
        let normEpsilon: Double
        let initializerRange: Double
        let isTied: Bool
        /// What scores are multiplied with in each block.
        let scales: [Double]

        enum CodingKeys: String, CodingKey, CaseIterable {
            case vocabularySize = "vocab_size"
            case positions = "n_positions"
            case hiddenSize = "n_embd"
            case layerCount = "n_layer"
            case headCount = "n_head"
            case innerSize = "n_inner"
            case activation = "activation_function"
            case residualDropout = "resid_pdrop"
            case embeddingDropout = "embd_pdrop"
            case attentionDropout = "attn_pdrop"
            case headDropout = "summary_first_dropout"
            case normEpsilon = "layer_norm_epsilon"
            case initializerRange = "initializer_range"
            case isTied = "tie_word_embeddings"
            case scalesScores = "scale_attn_weights"
            case scalesByLayer = "scale_attn_by_inverse_layer_idx"
            case hasCrossAttention = "add_cross_attention"
        }

        // Absent fields have the defaults of transformers' GPT2Config.
        init(from decoder: any Decoder) throws {
            let fields = try decoder.fields(CodingKeys.self, unknown: .ignored)
            vocabularySize = try fields.positive(.vocabularySize, default: 50257)
            positions = try fields.positive(.positions, default: 1024)
            hiddenSize = try fields.positive(.hiddenSize, default: 768)
            layerCount = try fields.layerCount(.layerCount, default: 12)
            headCount = try fields.positive(.headCount, default: 12)
            innerSize = try fields.positive(.innerSize, default: 4 * hiddenSize)
            activation = try fields.value(.activation, default: .geluNew)
            residualDropout = try fields.probability(.residualDropout, default: 0.1)
            embeddingDropout = try fields.probability(.embeddingDropout, default: 0.1)
            attentionDropout = try fields.probability(.attentionDropout, default: 0.1)
            headDropout = try fields.probability(.headDropout, default: 0.1)
            normEpsilon = try fields.value(.normEpsilon, default: 1e-5)
            initializerRange = try fields.value(.initializerRange, default: 0.02)
            isTied = try fields.value(.isTied, default: true)
            guard hiddenSize % headCount == 0 else {
                throw fields.invalid(
                    .headCount,
                    "\(headCount) heads do not divide an n_embd of \(hiddenSize)"
                )
            }
            guard try !fields.value(.hasCrossAttention, default: false) else {
                throw fields.invalid(
                    .hasCrossAttention,
                    "true is not supported: Graft reads GPT-2 without an encoder"
                )
            }
            let scalesScores = try fields.value(.scalesScores, default: true)
            let scalesByLayer = try fields.value(.scalesByLayer, default: false)
            let scale = scalesScores ? 1 / Double(hiddenSize / headCount).squareRoot() : 1
            scales = (1...layerCount).map { scalesByLayer ? scale / Double($0) : scale }
        }
    }
}
