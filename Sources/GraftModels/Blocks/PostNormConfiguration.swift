internal import GraftLayers

/// The sizes and settings of an encoder of post-LN blocks, with the defaults of BERT.
///
/// Families decode it from their own `config.json`: with the keys of BERT by ``read(_:)``, after
/// setting the defaults in which they differ.
struct PostNormConfiguration: Sendable {
    /// The value of `model_type`.
    var family = "bert"
    var vocabularySize = 30522
    var hiddenSize = 768
    /// The width of the embeddings, where it is not that of the hidden states.
    var embeddingSize: Int?
    var layerCount = 12
    var headCount = 12
    var innerSize = 3072
    var activation = Activation.gelu
    var hiddenDropout = 0.1
    /// Dropout after attention's output projection, where it is not ``hiddenDropout``.
    var attentionOutputDropout: Double?
    var attentionDropout = 0.1
    /// Dropout in a head, where it is not ``hiddenDropout``.
    var headDropout: Double?
    /// Entries of the position embeddings.
    var positions = 512
    /// The token whose position is kept for itself, in families that count positions behind it.
    var paddingIndex: Int?
    /// Entries of the segment embeddings; 0 in families without.
    var typeCount = 2
    /// Whether a token's segment is read; otherwise all are of segment 0.
    var readsTypes = true
    var normEpsilon = 1e-12
    var initializerRange = 0.02

    /// The longest row.
    var longestRow: Int { positions - (paddingIndex.map { $0 + 1 } ?? 0) }

    enum CodingKeys: String, CodingKey, CaseIterable {
        case family = "model_type"
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

    /// Takes over what a `config.json` with the keys of BERT says.
    ///
    /// - Throws: `ConfigurationError` naming a field that cannot be used.
    mutating func read(_ decoder: any Decoder) throws {
        let fields = try decoder.fields(CodingKeys.self, unknown: .ignored)
        family = try fields.required(.family)
        vocabularySize = try fields.positive(.vocabularySize, default: vocabularySize)
        hiddenSize = try fields.positive(.hiddenSize, default: hiddenSize)
        layerCount = try fields.layerCount(.layerCount, default: layerCount)
        headCount = try fields.positive(.headCount, default: headCount)
        innerSize = try fields.positive(.innerSize, default: innerSize)
        activation = try fields.value(.activation, default: activation)
        hiddenDropout = try fields.probability(.hiddenDropout, default: hiddenDropout)
        attentionDropout = try fields.probability(.attentionDropout, default: attentionDropout)
        headDropout = try fields.probability(.headDropout, default: hiddenDropout)
        positions = try fields.positive(.positions, default: positions)
        typeCount = try fields.positive(.typeCount, default: typeCount)
        normEpsilon = try fields.value(.normEpsilon, default: normEpsilon)
        initializerRange = try fields.value(.initializerRange, default: initializerRange)
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
                throw fields.invalid(key, "true is not supported: Graft reads \(family) encoders")
            }
        }
    }
}
