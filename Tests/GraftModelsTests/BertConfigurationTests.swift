import Foundation
import GraftLayers
import GraftModels
import GraftTestSupport
import GraftTorch
import GraftTraining
import Testing

@Suite("BERT configurations")
struct BertConfigurationTests {
    static let unusable: [(String, any Sendable, String)] = [
        ("position_embedding_type", "relative_key", "'relative_key' is not supported"),
        ("is_decoder", true, "true is not supported"),
        ("add_cross_attention", true, "true is not supported"),
        ("num_attention_heads", 3, "3 heads do not divide a hidden_size of 16"),
        ("hidden_size", 0, "must be positive, found 0"),
        ("num_hidden_layers", -1, "must be positive, found -1"),
        ("hidden_dropout_prob", 1.5, "must be in 0 ..< 1, found 1.5"),
        ("hidden_act", "gelo", "did you mean \"gelu\"?"),
        ("model_type", "gptj", "'gptj' is not supported (known: bert, "),
    ]

    @Test(arguments: unusable.indices)
    func `values that cannot be used are named`(index: Int) throws {
        let (field, value, problem) = BertConfigurationTests.unusable[index]
        let error = #expect(throws: ConfigurationError.self) {
            try TinyModel(settings: [field: value])
        }
        #expect(error?.field == field)
        #expect(error?.problem.contains(problem) == true, "\(String(describing: error))")
        #expect(error?.file?.hasSuffix("/config.json") == true)
    }

    @Test
    func `weights of another shape are named`() throws {
        let error = #expect(throws: ParameterError.self) {
            try TinyModel(settings: ["intermediate_size": 48])
        }
        #expect(error?.name == "encoder.layer.0.intermediate.dense.weight")
        #expect(error?.problem.contains("[48, 16]") == true)
        #expect(error?.problem.contains("[32, 16]") == true)
    }

    @Test
    func `layers that the checkpoint lacks are named`() throws {
        let error = #expect(throws: ParameterError.self) {
            try TinyModel(settings: ["num_hidden_layers": 3])
        }
        #expect(error?.name == "encoder.layer.2.attention.self.query.weight")
        #expect(error?.problem.contains("is not in") == true)
    }

    @Test
    func `a row longer than the positions is refused`() throws {
        let encoder = try referenceEncoder()
        let long = [Int32](repeating: 1, count: 41)
        let batch = try TokenBatch(rows: [([1], [0]), (long, long.map { _ in 0 })])
        let error = #expect(throws: TorchError.self) {
            try encoder(batch, in: ForwardContext(layout: batch.layout), wanted: .all)
        }
        #expect(
            error?.message == "row 1 has 41 tokens, the model 40 positions"
                + " (hint: lower the maximum length)"
        )
    }

    @Test(arguments: [(64, 0), (-1, 0), (1, 2)] as [(Int32, Int32)])
    func `ids that the model does not have are errors`(id: Int32, type: Int32) throws {
        let encoder = try referenceEncoder()
        let batch = try TokenBatch(rows: [([1, id], [0, type])])
        let error = #expect(throws: TorchError.self) {
            try encoder(batch, in: ForwardContext(layout: batch.layout), wanted: .all)
        }
        #expect(error?.operation == "embedding")
    }

    @Test
    func `a model says what it is`() throws {
        let base = try TinyModel("bert/h24").base
        #expect(base.shape.hiddenSize == 24)
        #expect(base.shape.layerCount == 3)
        #expect(base.shape.hasPooler)
        #expect(base.encoder.sites.linear.count == 18)
        #expect(base.encoder.sites.hidden.count == 6)
        #expect(base.encoder.sites.norm.count == 7)
        let embeddings = (64 + 40 + 2 + 2) * 24
        let block = 4 * (24 * 24 + 24) + 2 * 24 * 40 + 40 + 24 + 4 * 24
        #expect(base.parameterCount == embeddings + 3 * block + 24 * 24 + 24)
    }

    @Test
    func `bfloat16 is close to float32`() throws {
        let batch = try Fixture("bert/h16/expected").batch()
        let context = ForwardContext(layout: batch.layout)
        func hidden(_ dtype: DType) throws -> Tensor {
            try TinyModel(dtype: dtype).base.encoder(batch, in: context, wanted: .all).hidden
        }
        let found = try hidden(.bfloat16)
        #expect(try found.dtype == .bfloat16)
        try expectClose(found, hidden(.float32), tolerance: 0.03)
    }
}
