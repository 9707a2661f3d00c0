import Foundation
import GraftAdapters
import GraftLayers
import GraftModels
import GraftTestSupport
import GraftTorch
import Testing

/// A fixture of `Tools/reference/projections.py` with its method, and the names translated to ours.
struct ProjectionCase {
    let fixture: Fixture
    let method: any AdapterMethod

    /// The fixtures' names; a folder that cannot be read has none, which a test tells.
    static let all = (try? Fixture.names(in: "projections")) ?? []

    /// Those whose adapters frozen weights can take over.
    static let mergeable = all.filter { !$0.contains("gating") }

    init(_ name: String) throws {
        fixture = try Fixture(name)
        let text = try #require(fixture.metadata["method"])
        method = try AdapterRegistry.builtin.method(named: text)
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

    /// The tensors below a prefix, under our names: `""` the initial parameters, `grad.`, `after.`.
    func parameters(_ prefix: String = "") throws -> [(name: String, value: Tensor)] {
        try fixture.tensors(below: prefix)
            .filter { $0.key.hasPrefix("adapter.") || $0.key.hasPrefix("head.") }
            .map { key, value in
                let name = ProjectionCase.name(key)
                // `adapters` calls the vectors of (IA)³ `lora_B`, and both libraries hold them as matrices.
                guard method is IA3, key.hasPrefix("adapter.") else { return (name, value) }
                let scale = name.replacingOccurrences(of: "lora_B", with: "scale")
                return (scale, try value.reshaped(-1))
            }.sorted { $0.name < $1.name }
    }

    /// The model with the fixture's parameters, in a buffer to train.
    func adapted(to encoder: Bert) throws -> (AdaptedEncoder, ParameterBuffer) {
        let buffer = try ParameterBuffer(parameters())
        let leaves = zip(buffer.slices, buffer.leaves).map { ($0.name, $1) }
        let stored = StoredParameters(Dictionary(uniqueKeysWithValues: leaves))
        let model = try AdaptedEncoder(
            encoder: encoder,
            method: method,
            head: HeadConfiguration.oneLayer,
            ParameterScope(stored)
        )
        try stored.checkAllUsed()
        return (model, buffer)
    }
}

extension HeadConfiguration {
    /// The head of the fixtures.
    fileprivate static var oneLayer: HeadConfiguration {
        var head = HeadConfiguration(.classification, outputCount: 3)
        head.layers = 1
        return head
    }
}

/// The projections of BERT-base, twelve layers of 768, which share their frozen zeros.
enum BertBase {
    static func sites() throws -> SiteMap {
        func linear(_ input: Int, _ output: Int) throws -> Linear {
            let zeros = StoredParameters([
                "weight": try Tensor(zeros: [output, input]), "bias": try Tensor(zeros: [output]),
            ])
            return try Linear(input, output, ParameterScope(zeros))
        }
        let (square, up, down) = (
            try linear(768, 768), try linear(768, 3072), try linear(3072, 768)
        )
        var sites = SiteMap()
        for layer in 0..<12 {
            for (role, linear) in [
                (Site.Role.query, square), (.key, square), (.value, square),
                (.attentionOutput, square), (.up, up), (.down, down),
            ] {
                sites.linear.append(LinearSite(Site(.encoder, layer: layer, role), linear))
            }
        }
        return sites
    }

    /// What a method adds to it.
    static func parameters(
        _ method: String,
        seed: UInt64 = 1
    ) throws -> [(name: String, value: Tensor)] {
        let fresh = FreshParameters(seed: seed)
        _ = try AdapterRegistry.builtin.method(named: method)
            .attached(to: sites(), ParameterScope(fresh))
        return fresh.parameters
    }
}
