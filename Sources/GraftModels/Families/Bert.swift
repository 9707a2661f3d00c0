public import GraftLayers

/// BERT: bidirectional post-LN blocks over word, position and segment embeddings.
///
/// Reference: Devlin et al., [BERT](https://arxiv.org/abs/1810.04805); numerically `transformers`
/// 4.57.6, `models/bert/modeling_bert.py`, whose parameter names this file uses. MiniLM and many
/// sentence encoders are BERT models too.
public struct Bert: PostNormEncoder {
    public static let modelTypes = ["bert"]
    public static let checkpointPrefix = "bert"

    let stack: PostNormStack

    public init(_ file: ConfigurationFile, _ scope: ParameterScope) throws {
        stack = try PostNormStack(file.decode(Configuration.self).values, scope)
    }

    // Absent fields have the defaults of transformers' BertConfig.
    private struct Configuration: Decodable {
        var values = PostNormConfiguration()

        init(from decoder: any Decoder) throws { try values.read(decoder) }
    }
}
