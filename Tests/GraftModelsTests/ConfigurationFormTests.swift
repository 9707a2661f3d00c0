import Foundation
import GraftFormats
import GraftLayers
import GraftModels
import GraftTestSupport
import GraftTorch
import GraftTraining
import Testing

/// Forms of `config.json` that mean the same, and those that cannot be followed.
@Suite("Forms of configurations")
struct ConfigurationFormTests {
    private func states(_ model: TinyModel) throws -> Tensor {
        let batch = try TokenBatch(
            rows: [(ids: [5, 9, 30, 11, 39], typeIDs: [0, 0, 0, 0, 0])],
            device: testDevice
        )
        let context = ForwardContext(layout: batch.layout, adapters: SiteAdapters())
        return try model.base.encoder(batch, in: context, wanted: .all).hidden
    }

    private func configuration(_ name: String) throws -> [String: Any] {
        let url = Fixture.folder.appending(path: name).appending(path: "config.json")
        let fields = try JSONSerialization.jsonObject(with: Data(contentsOf: url))
        return try #require(fields as? [String: Any])
    }

    // As transformers 5 writes them.
    @Test func `rope_parameters mean what rope_theta and rope_scaling do`() throws {
        let plain = try states(TinyModel("llama/gqa"))
        let scaled = try #require(configuration("llama/gqa")["rope_scaling"] as? [String: Any])
        var parameters: [String: any Sendable] = ["rope_theta": 500.0]
        for (key, value) in scaled {
            if let number = value as? Double { parameters[key] = number }
            if let text = value as? String { parameters[key] = text }
        }
        let moved = try states(
            TinyModel(
                "llama/gqa",
                settings: ["rope_parameters": parameters, "rope_scaling": NSNull()]
            )
        )
        try expectClose(moved, plain, "states")
        let unscaled = try states(
            TinyModel(
                "llama/gqa",
                settings: ["rope_parameters": ["rope_theta": 10.0], "rope_scaling": NSNull()]
            )
        )
        #expect(try (unscaled - plain).squared().sum().item() > 1e-4)
    }

    @Test func `a T5 says itself whether its output is scaled`() throws {
        func scores(_ settings: [String: any Sendable]) throws -> Tensor {
            let model = try TinyModel("t5/v1_0", settings: settings).base.model
            let writer = try #require(model as? any LanguageModel)
            let layout = try RaggedLayout(lengths: [2])
            let states = try Tensor((0..<2 * model.shape.hiddenSize).map { Float($0 % 7) })
                .reshaped(2, model.shape.hiddenSize).moved(to: testDevice)
            let context = ForwardContext(layout: layout, adapters: SiteAdapters())
            return try writer.scores(states, in: context)
        }
        let scaled = try scores([:])
        try expectClose(scores(["scale_decoder_outputs": true]), scaled, "scaled")
        let width = try #require(configuration("t5/v1_0")["d_model"] as? Int)
        try expectClose(
            scores(["scale_decoder_outputs": false]),
            scaled * Double(width).squareRoot(),
            "unscaled"
        )
    }

    @Test func `a CLIP's older configuration counts where there are both`() throws {
        let text = try #require(configuration("clip/h12")["text_config"] as? [String: Any])
        var older: [String: any Sendable] = [:]
        for (key, value) in text {
            if let number = value as? Int { older[key] = number }
            if let name = value as? String { older[key] = name }
        }
        // No checkpoint has a text tower of this width.
        let model = try TinyModel(
            "clip/h12",
            settings: ["text_config_dict": older, "text_config": ["hidden_size": 4]]
        )
        #expect(model.base.shape.family == "clip")
    }

    static let refused: [(String, String, any Sendable, String)] = [
        ("bert/h16", "quantization_config", ["bits": 8], "quantised checkpoints are not supported"),
        ("vit/h16", "num_hidden_layers", 100_000_000_000, "must be at most 10000"),
        ("llama/gqa", "num_hidden_layers", 100_000_000_000, "must be at most 10000"),
        ("gpt2/tied", "n_embd", Int.max, "must be at most 2147483647"),
        ("llama/gqa", "partial_rotary_factor", 0.5, "other than 1 is not supported"),
        (
            "llama/gqa", "rope_parameters", ["full_attention": ["rope_theta": 1]],
            "angles of each kind of layer"
        ),
    ]

    @Test(arguments: refused.indices)
    func `what cannot be followed is named`(index: Int) throws {
        let (name, field, value, problem) = ConfigurationFormTests.refused[index]
        let error = #expect(throws: ConfigurationError.self) {
            try TinyModel(name, settings: [field: value])
        }
        #expect(error?.problem.contains(problem) == true, "\(String(describing: error))")
    }

    @Test func `numbers without fractions are no weights`() throws {
        let folder = try TemporaryFolder()
        try TensorFile(["weight": Tensor([1, 2] as [Int64])], metadata: [:])
            .write(to: folder.path + "/model.safetensors")
        let parameters = CheckpointParameters(try Checkpoint(path: folder.path), prefix: "")
        let error = #expect(throws: ParameterError.self) {
            _ = try parameters.parameter("weight", shape: [2], initial: .stored)
        }
        #expect(error?.problem.contains("I64") == true)
    }
}
