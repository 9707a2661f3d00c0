internal import GraftLayers

extension T5 {
    /// What `config.json` says, checked.
    struct Configuration: Decodable, Sendable {
        let family: String
        let vocabularySize: Int
        let hiddenSize: Int
        let headCount: Int
        let headSize: Int
        let innerSize: Int
        let encoderLayerCount: Int
        let decoderLayerCount: Int
        let activation: Activation
        /// Whether the feed-forward's inner activations are multiplied with a second projection.
        let isGated: Bool
        let bucketCount: Int
        let farthest: Int
        let dropout: Double
        let normEpsilon: Double
        /// Whether the word embeddings are the output projection, in front of which states are scaled.
        let isTied: Bool
        /// Whether states are scaled in front of the output projection.
        ///
        /// `transformers` 5 says so itself, and calls every model tied; before, tied ones were scaled.
        let scalesOutput: Bool
        /// Whether the checkpoint's own output projection counts, if there is one.
        let prefersOwnOutput: Bool
        let startToken: Int32

        enum CodingKeys: String, CodingKey, CaseIterable {
            case family = "model_type"
            case vocabularySize = "vocab_size"
            case hiddenSize = "d_model"
            case headCount = "num_heads"
            case headSize = "d_kv"
            case innerSize = "d_ff"
            case encoderLayerCount = "num_layers"
            case decoderLayerCount = "num_decoder_layers"
            case feedForward = "feed_forward_proj"
            case bucketCount = "relative_attention_num_buckets"
            case farthest = "relative_attention_max_distance"
            case dropout = "dropout_rate"
            case normEpsilon = "layer_norm_epsilon"
            case isTied = "tie_word_embeddings"
            case startToken = "decoder_start_token_id"
            case padding = "pad_token_id"
            case scalesOutput = "scale_decoder_outputs"
            case hasDecoder = "is_encoder_decoder"
        }

        // Absent fields have the defaults of transformers' T5Config and MT5Config.
        init(from decoder: any Decoder) throws {
            let fields = try decoder.fields(CodingKeys.self, unknown: .ignored)
            family = try fields.required(.family)
            let isMT5 = family == "mt5"
            vocabularySize = try fields.positive(
                .vocabularySize,
                default: isMT5 ? 250_112 : 32128
            )
            hiddenSize = try fields.positive(.hiddenSize, default: 512)
            headCount = try fields.positive(.headCount, default: isMT5 ? 6 : 8)
            headSize = try fields.positive(.headSize, default: 64)
            innerSize = try fields.positive(.innerSize, default: isMT5 ? 1024 : 2048)
            encoderLayerCount = try fields.layerCount(.encoderLayerCount, default: isMT5 ? 8 : 6)
            decoderLayerCount = try fields.layerCount(
                .decoderLayerCount,
                default: encoderLayerCount
            )
            let feedForward = try fields.value(
                .feedForward,
                default: isMT5 ? "gated-gelu" : "relu"
            )
            (activation, isGated) = try Configuration.feedForward(feedForward, fields)
            bucketCount = try fields.positive(.bucketCount, default: 32)
            guard bucketCount % 4 == 0 else {
                throw fields.invalid(
                    .bucketCount,
                    "must be a multiple of 4, found \(bucketCount)"
                )
            }
            farthest = try fields.positive(.farthest, default: 128)
            guard farthest > bucketCount / 2 else {
                throw fields.invalid(
                    .farthest,
                    "must be more than \(bucketCount / 2), half of"
                        + " \(CodingKeys.bucketCount.rawValue), found \(farthest)"
                )
            }
            dropout = try fields.probability(.dropout, default: 0.1)
            normEpsilon = try fields.value(.normEpsilon, default: 1e-6)
            isTied = try fields.value(.isTied, default: !isMT5)
            scalesOutput = try fields.value(.scalesOutput, default: isTied)
            prefersOwnOutput = fields.contains(.scalesOutput)
            startToken = try fields.value(
                .startToken,
                default: fields.value(.padding, default: 0)
            )
            guard (0..<vocabularySize).contains(Int(startToken)) else {
                throw fields.invalid(
                    .startToken,
                    "there is no token \(startToken) (the vocabulary has \(vocabularySize))"
                )
            }
            guard try fields.value(.hasDecoder, default: true) else {
                throw fields.invalid(
                    .hasDecoder,
                    "false is not supported: Graft reads T5 with its decoder"
                )
            }
        }

        /// Takes `relu` or `gated-gelu` apart; the GELU of gated T5 is the approximate one.
        private static func feedForward(
            _ name: String,
            _ fields: ConfigurationFields<CodingKeys>
        ) throws -> (Activation, isGated: Bool) {
            if name == "gated-gelu" { return (.geluNew, true) }
            let isGated = name.hasPrefix("gated-")
            let function = isGated ? String(name.dropFirst("gated-".count)) : name
            guard let activation = Activation(rawValue: function) else {
                throw fields.invalid(
                    .feedForward,
                    "'\(name)' is not supported (hint: an activation such as relu, or gated-gelu)"
                )
            }
            return (activation, isGated)
        }
    }
}
