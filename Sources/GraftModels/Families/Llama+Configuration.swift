internal import GraftLayers

extension Llama {
    /// What `config.json` says, checked.
    struct Configuration: Decodable, Sendable {
        let family: String
        let vocabularySize: Int
        let hiddenSize: Int
        let innerSize: Int
        let layerCount: Int
        let headCount: Int
        let keyHeadCount: Int
        let headSize: Int
        let activation: Activation
        let positions: Int
        let initializerRange: Double
        let normEpsilon: Double
        let frequencies: [Float]
        let attentionDropout: Double
        let isTied: Bool
        /// Whether queries, keys and values have biases.
        let hasInputBias: Bool
        let hasOutputBias: Bool
        let hasFeedForwardBias: Bool
        /// How many tokens a token of each block sees; 0 for all before it.
        let windows: [Int]

        enum CodingKeys: String, CodingKey, CaseIterable {
            case family = "model_type"
            case vocabularySize = "vocab_size"
            case hiddenSize = "hidden_size"
            case innerSize = "intermediate_size"
            case layerCount = "num_hidden_layers"
            case headCount = "num_attention_heads"
            case keyHeadCount = "num_key_value_heads"
            case headSize = "head_dim"
            case activation = "hidden_act"
            case positions = "max_position_embeddings"
            case initializerRange = "initializer_range"
            case normEpsilon = "rms_norm_eps"
            case rotaryBase = "rope_theta"
            case rotaryScaling = "rope_scaling"
            case rotaryParameters = "rope_parameters"
            case rotaryShare = "partial_rotary_factor"
            case attentionDropout = "attention_dropout"
            case isTied = "tie_word_embeddings"
            case hasAttentionBias = "attention_bias"
            case hasFeedForwardBias = "mlp_bias"
            case window = "sliding_window"
            case usesWindow = "use_sliding_window"
            case firstWindowLayer = "max_window_layers"
            case layerTypes = "layer_types"
        }

        // Absent fields have the defaults of transformers' LlamaConfig, MistralConfig, Qwen2Config.
        init(from decoder: any Decoder) throws {
            let fields = try decoder.fields(CodingKeys.self, unknown: .ignored)
            family = try fields.required(.family)
            let (isMistral, isQwen) = (family == "mistral", family == "qwen2")
            vocabularySize = try fields.positive(
                .vocabularySize,
                default: isQwen ? 151_936 : 32000
            )
            hiddenSize = try fields.positive(.hiddenSize, default: 4096)
            innerSize = try fields.positive(
                .innerSize,
                default: isQwen ? 22016 : isMistral ? 14336 : 11008
            )
            layerCount = try fields.layerCount(.layerCount, default: 32)
            headCount = try fields.positive(.headCount, default: 32)
            // `null` means as many as queries, and absent means 8 in a Mistral and 32 in a Qwen.
            let isGiven = try decoder.container(keyedBy: CodingKeys.self)
            let absent = isMistral ? 8 : isQwen ? 32 : headCount
            let keyHeads = isGiven.contains(.keyHeadCount) ? headCount : absent
            keyHeadCount = try fields.positive(.keyHeadCount, default: keyHeads)
            guard headCount % keyHeadCount == 0 else {
                throw fields.invalid(
                    .keyHeadCount,
                    "\(keyHeadCount) key heads do not divide \(headCount) heads"
                )
            }
            guard fields.contains(.headSize) || hiddenSize % headCount == 0 else {
                throw fields.invalid(
                    .headCount,
                    "\(headCount) heads do not divide a hidden_size of \(hiddenSize)"
                )
            }
            headSize = try fields.positive(.headSize, default: hiddenSize / headCount)
            guard headSize % 2 == 0 else {
                throw fields.invalid(.headSize, "must be even, found \(headSize)")
            }
            activation = try fields.value(.activation, default: .silu)
            positions = try fields.positive(
                .positions,
                default: isQwen ? 32768 : isMistral ? 131_072 : 2048
            )
            initializerRange = try fields.value(.initializerRange, default: 0.02)
            normEpsilon = try fields.value(.normEpsilon, default: 1e-6)
            let base = try fields.positiveNumber(.rotaryBase, default: 10000)
            guard try fields.value(.rotaryShare, default: 1.0) == 1 else {
                throw fields.invalid(.rotaryShare, "other than 1 is not supported")
            }
            if let rotary = try fields.optional(.rotaryParameters, as: RotaryParameters.self) {
                frequencies = rotary.scaling.frequencies(headSize: headSize, base: rotary.base)
            } else {
                frequencies = try fields.value(.rotaryScaling, default: RotaryScaling.none)
                    .frequencies(headSize: headSize, base: base)
            }
            attentionDropout = try fields.probability(.attentionDropout, default: 0)
            isTied = try fields.value(.isTied, default: false)
            let hasBias =
                family == "llama" ? try fields.value(.hasAttentionBias, default: false) : false
            hasInputBias = hasBias || isQwen
            hasOutputBias = hasBias
            hasFeedForwardBias =
                family == "llama" ? try fields.value(.hasFeedForwardBias, default: false) : false
            windows = try Configuration.windows(
                fields,
                isMistral: isMistral,
                isQwen: isQwen,
                hasWindow: isGiven.contains(.window),
                layerCount: layerCount
            )
        }

        private static func windows(
            _ fields: ConfigurationFields<CodingKeys>,
            isMistral: Bool,
            isQwen: Bool,
            hasWindow: Bool,
            layerCount: Int
        ) throws -> [Int] {
            let none = [Int](repeating: 0, count: layerCount)
            guard isMistral || isQwen else { return none }
            // `null` means none, and absent means 4096.
            guard fields.contains(.window) || !hasWindow else { return none }
            let window = try fields.positive(.window, default: 4096)
            guard isQwen else { return none.map { _ in window } }
            guard try fields.value(.usesWindow, default: false) else { return none }
            if let types = try fields.optional(.layerTypes, as: [LayerType].self) {
                guard types.count == layerCount else {
                    throw fields.invalid(.layerTypes, "has \(types.count) of \(layerCount) layers")
                }
                return types.map { $0 == .sliding ? window : 0 }
            }
            let first = try fields.value(.firstWindowLayer, default: 28)
            return (0..<layerCount).map { $0 >= first ? window : 0 }
        }

        private enum LayerType: String, Decodable, CaseIterable {
            case full = "full_attention"
            case sliding = "sliding_attention"
        }
    }
}
