import GraftLayers
import GraftModels
import GraftTestSupport
import GraftTorch
import Testing

@Suite("T5 configurations")
struct T5ConfigurationTests {
    static let unusable: [(String, any Sendable, String)] = [
        ("feed_forward_proj", "gated-gelo", "'gated-gelo' is not supported (hint: an activation"),
        ("relative_attention_num_buckets", 6, "must be a multiple of 4, found 6"),
        ("relative_attention_max_distance", 4, "must be more than 4, half of"),
        ("num_layers", 0, "must be positive, found 0"),
        ("dropout_rate", 1, "must be in 0 ..< 1, found 1"),
        ("decoder_start_token_id", 64, "there is no token 64 (the vocabulary has 64)"),
        ("is_encoder_decoder", false, "false is not supported"),
        ("quantization_config", ["bits": 8], "quantised checkpoints are not supported"),
    ]

    @Test(arguments: unusable.indices)
    func `values that cannot be used are named`(index: Int) throws {
        let (field, value, problem) = T5ConfigurationTests.unusable[index]
        let error = #expect(throws: ConfigurationError.self) {
            try TinyModel("t5/v1_0", settings: [field: value])
        }
        #expect(error?.field == field)
        #expect(error?.problem.contains(problem) == true, "\(String(describing: error))")
    }

    @Test
    func `layers that the checkpoint lacks are named`() throws {
        let error = #expect(throws: ParameterError.self) {
            try TinyModel("t5/v1_0", settings: ["num_decoder_layers": 3])
        }
        #expect(error?.name == "decoder.block.2.layer.0.layer_norm.weight")
    }

    @Test
    func `the sites of both towers are published in the order of a pass`() throws {
        let model = try referenceModel("t5/v1_1")
        #expect(
            model.sites.hidden.map(\.site.path) == [
                "encoder.0.attention", "encoder.0.feed_forward",
                "decoder.0.attention", "decoder.0.cross", "decoder.0.feed_forward",
                "decoder.1.attention", "decoder.1.cross", "decoder.1.feed_forward",
            ]
        )
        let last = model.sites.linear.map(\.site).filter { $0.tower == .decoder && $0.layer == 1 }
        let roles: [Site.Role] = [
            .query, .key, .value, .attentionOutput,
            .crossQuery, .crossKey, .crossValue, .crossOutput, .gate, .up, .down,
        ]
        #expect(last.map(\.role) == roles)
        let attentions: [Site.Role] = [.selfAttention, .crossAttention]
        #expect(model.sites.attention.suffix(2).map(\.site.role) == attentions)
        let towers: [Site.Tower] = [.encoder, .decoder]
        #expect(model.sites.embedding.map(\.site.tower) == towers)
    }
}
