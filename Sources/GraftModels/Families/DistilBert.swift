public import GraftLayers

/// DistilBERT: half of BERT's blocks, without segments, pooler, and dropout behind attention's output.
///
/// Reference: Sanh et al., [DistilBERT](https://arxiv.org/abs/1910.01108); numerically `transformers`
/// 4.57.6, `models/distilbert/modeling_distilbert.py`, whose parameter names this file uses.
public struct DistilBert: PostNormEncoder {
    public static let modelTypes = ["distilbert"]
    public static let checkpointPrefix = "distilbert"

    let stack: PostNormStack

    public init(_ file: ConfigurationFile, _ scope: ParameterScope) throws {
        stack = try PostNormStack(
            file.decode(Configuration.self).values,
            layers: "transformer.layer",
            names: PostNormBlock.Names(
                query: "attention.q_lin",
                key: "attention.k_lin",
                value: "attention.v_lin",
                attentionOutput: "attention.out_lin",
                attentionNorm: "sa_layer_norm",
                up: "ffn.lin1",
                down: "ffn.lin2",
                feedForwardNorm: "output_layer_norm"
            ),
            pooler: nil,
            scope
        )
    }

    private struct Configuration: Decodable {
        var values = PostNormConfiguration()

        enum CodingKeys: String, CodingKey, CaseIterable {
            case vocabularySize = "vocab_size"
            case hiddenSize = "dim"
            case layerCount = "n_layers"
            case headCount = "n_heads"
            case innerSize = "hidden_dim"
            case activation
            case dropout
            case attentionDropout = "attention_dropout"
            case headDropout = "seq_classif_dropout"
            case positions = "max_position_embeddings"
            case initializerRange = "initializer_range"
        }

        // Absent fields have the defaults of transformers' DistilBertConfig. Of its other fields,
        // `sinusoidal_pos_embds` says how positions started that the checkpoint holds.
        init(from decoder: any Decoder) throws {
            let fields = try decoder.fields(CodingKeys.self, unknown: .ignored)
            (values.family, values.typeCount, values.layerCount) = ("distilbert", 0, 6)
            values.vocabularySize = try fields.positive(.vocabularySize, default: 30522)
            values.hiddenSize = try fields.positive(.hiddenSize, default: 768)
            values.layerCount = try fields.layerCount(.layerCount, default: 6)
            values.headCount = try fields.positive(.headCount, default: 12)
            values.innerSize = try fields.positive(.innerSize, default: 3072)
            values.activation = try fields.value(.activation, default: .gelu)
            values.hiddenDropout = try fields.probability(.dropout, default: 0.1)
            values.attentionOutputDropout = 0
            values.attentionDropout = try fields.probability(.attentionDropout, default: 0.1)
            values.headDropout = try fields.probability(.headDropout, default: 0.2)
            values.positions = try fields.positive(.positions, default: 512)
            values.initializerRange = try fields.value(.initializerRange, default: 0.02)
            guard values.hiddenSize % values.headCount == 0 else {
                throw fields.invalid(
                    .headCount,
                    "\(values.headCount) heads do not divide a dim of \(values.hiddenSize)"
                )
            }
        }
    }
}
