public import GraftLayers

/// ELECTRA's discriminator: BERT without a pooler, with embeddings that may be narrower than the blocks.
///
/// Adapters at the embeddings act on the narrow ones, in front of the projection to the blocks' width.
///
/// Reference: Clark et al., [ELECTRA](https://arxiv.org/abs/2003.10555); numerically `transformers`
/// 4.57.6, `models/electra/modeling_electra.py`, whose parameter names this file uses.
public struct Electra: PostNormEncoder {
    public static let modelTypes = ["electra"]
    public static let checkpointPrefix = "electra"

    let stack: PostNormStack

    public init(_ file: ConfigurationFile, _ scope: ParameterScope) throws {
        stack = try PostNormStack(file.decode(Configuration.self).values, pooler: nil, scope)
    }

    // Absent fields have the defaults of transformers' ElectraConfig.
    private struct Configuration: Decodable {
        var values = PostNormConfiguration()

        enum CodingKeys: String, CodingKey, CaseIterable { case embeddingSize = "embedding_size" }

        init(from decoder: any Decoder) throws {
            (values.hiddenSize, values.innerSize, values.headCount) = (256, 1024, 4)
            try values.read(decoder)
            let fields = try decoder.fields(CodingKeys.self, unknown: .ignored)
            values.embeddingSize = try fields.positive(.embeddingSize, default: 128)
        }
    }
}
