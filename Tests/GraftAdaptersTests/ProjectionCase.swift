import Foundation
import GraftAdapters
import GraftLayers
import GraftModels
import GraftTestSupport
import GraftTorch
import Testing

/// A fixture of `Tools/reference/projections.py` with its method, and the names translated to ours.
struct ProjectionCase: ReferenceCase {
    let fixture: Fixture
    let method: any AdapterMethod
    let head = HeadConfiguration.ofFixture(layers: 1)
    let weightDecay: Double

    /// The fixtures' names; a folder that cannot be read has none, which a test tells.
    static let all = (try? Fixture.names(in: "projections")) ?? []

    /// Those whose adapters frozen weights can take over.
    static let mergeable = all.filter { !$0.contains("gating") }

    init(_ name: String) throws {
        fixture = try Fixture(name)
        let text = try #require(fixture.metadata["method"])
        method = try AdapterRegistry.builtin.method(named: text)
        weightDecay = try fixture.json("weight_decay")
    }

    /// Our name of a reference's parameter: `adapter.encoder.layer.1.attention.self.key.lora_A.weight` is
    /// `adapter.encoder.1.key.lora_A`.
    static func name(_ key: String) -> String {
        var key = key
        for (theirs, ours) in [
            ("encoder.layer.", "encoder."), (".loras.a.", "."), (".attention.self.", "."),
            (".attention.output.dense", ".attention_output"), (".intermediate.dense", ".up"),
            (".output.dense", ".down"), (".base_layer.", "."), ("_magnitude_vector", "magnitude"),
            (".loramagnitude", ".magnitude"), ("lora_A.weight", "lora_A"),
            ("lora_B.weight", "lora_B"), ("magnitude.weight", "magnitude"), ("ia3_l", "scale"),
            ("vera_lambda_", ""), ("head.1.", "head.0."),
        ] {
            key = key.replacingOccurrences(of: theirs, with: ours)
        }
        return key
    }

    func parameters(_ prefix: String) throws -> [(name: String, value: Tensor)] {
        try storedParameters(prefix).map { key, value in
            let name = ProjectionCase.name(key)
            // `adapters` calls the vectors of (IA)³ `lora_B`, and both libraries hold them as matrices.
            guard method is IA3, key.hasPrefix("adapter.") else { return (name, value) }
            let scale = name.replacingOccurrences(of: "lora_B", with: "scale")
            return (scale, try value.reshaped(-1))
        }.sorted { $0.name < $1.name }
    }
}
