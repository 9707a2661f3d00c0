public import GraftLayers

/// RoBERTa, and XLM-RoBERTa and CamemBERT, which are RoBERTa with other vocabularies: BERT's blocks, with
/// positions counted behind the padding's and without segments.
///
/// Reference: Liu et al., [RoBERTa](https://arxiv.org/abs/1907.11692); Conneau et al.,
/// [XLM-R](https://arxiv.org/abs/1911.02116); numerically `transformers` 4.57.6,
/// `models/roberta/modeling_roberta.py`. Checkpoints still have a table of segments, of which the
/// first is everyone's.
public struct Roberta: PostNormEncoder {
    public static let modelTypes = ["roberta", "xlm-roberta", "camembert"]
    public static let checkpointPrefix = "roberta"

    let stack: PostNormStack

    public init(_ file: ConfigurationFile, _ scope: ParameterScope) throws {
        stack = try PostNormStack(file.decode(Configuration.self).values, scope)
    }

    // Absent fields have the defaults of transformers' RobertaConfig.
    private struct Configuration: Decodable {
        var values = PostNormConfiguration()

        enum CodingKeys: String, CodingKey, CaseIterable { case paddingIndex = "pad_token_id" }

        init(from decoder: any Decoder) throws {
            (values.vocabularySize, values.readsTypes) = (50265, false)
            try values.read(decoder)
            let fields = try decoder.fields(CodingKeys.self, unknown: .ignored)
            let paddingIndex = try fields.value(.paddingIndex, default: 1)
            guard (0..<values.positions - 1).contains(paddingIndex) else {
                throw fields.invalid(
                    .paddingIndex,
                    "\(paddingIndex) leaves none of \(values.positions) positions"
                )
            }
            values.paddingIndex = paddingIndex
        }
    }
}
