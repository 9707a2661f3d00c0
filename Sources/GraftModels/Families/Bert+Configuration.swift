internal import GraftLayers

extension Bert {
    /// What `config.json` says, checked.
    struct Configuration: Decodable, Sendable {
        let vocabularySize: Int
        let hiddenSize: Int
        let layerCount: Int
        let headCount: Int
        let innerSize: Int
        let activation: Activation
        let hiddenDropout: Double
        let attentionDropout: Double
        let headDropout: Double
        let positions: Int
        let typeCount: Int
        let normEpsilon: Double
        let initializerRange: Double

        enum CodingKeys: String, CodingKey, CaseIterable {
            case vocabularySize = "vocab_size"
            case hiddenSize = "hidden_size"
            case layerCount = "num_hidden_layers"
            case headCount = "num_attention_heads"
            case innerSize = "intermediate_size"
            case activation = "hidden_act"
            case hiddenDropout = "hidden_dropout_prob"
            case attentionDropout = "attention_probs_dropout_prob"
            case headDropout = "classifier_dropout"
            case positions = "max_position_embeddings"
            case typeCount = "type_vocab_size"
            case normEpsilon = "layer_norm_eps"
            case initializerRange = "initializer_range"
            case positionType = "position_embedding_type"
            case isDecoder = "is_decoder"
            case hasCrossAttention = "add_cross_attention"
        }

        // Absent fields have the defaults of transformers' BertConfig.
        init(from decoder: any Decoder) throws {
            let fields = try decoder.fields(CodingKeys.self, unknown: .ignored)
            vocabularySize = try fields.positive(.vocabularySize, default: 30522)
            hiddenSize = try fields.positive(.hiddenSize, default: 768)
            layerCount = try fields.positive(.layerCount, default: 12)
            headCount = try fields.positive(.headCount, default: 12)
            innerSize = try fields.positive(.innerSize, default: 3072)
            activation = try fields.value(.activation, default: .gelu)
            hiddenDropout = try fields.probability(.hiddenDropout, default: 0.1)
            attentionDropout = try fields.probability(.attentionDropout, default: 0.1)
            headDropout = try fields.probability(.headDropout, default: hiddenDropout)
            positions = try fields.positive(.positions, default: 512)
            typeCount = try fields.positive(.typeCount, default: 2)
            normEpsilon = try fields.value(.normEpsilon, default: 1e-12)
            initializerRange = try fields.value(.initializerRange, default: 0.02)
            guard hiddenSize % headCount == 0 else {
                throw fields.invalid(
                    .headCount,
                    "\(headCount) heads do not divide a hidden_size of \(hiddenSize)"
                )
            }
            let positionType = try fields.value(.positionType, default: "absolute")
            guard positionType == "absolute" else {
                throw fields.invalid(
                    .positionType,
                    "'\(positionType)' is not supported (supported: absolute)"
                )
            }
            for key in [CodingKeys.isDecoder, .hasCrossAttention] {
                guard try !fields.value(key, default: false) else {
                    throw fields.invalid(key, "true is not supported: Graft reads BERT encoders")
                }
            }
        }
    }
}
