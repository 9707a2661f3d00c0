import Foundation
import GraftAdapters
import GraftFormats
import GraftLayers
import GraftModels
import GraftTestSupport
import GraftTorch
import GraftTraining
import Testing

@Suite("Merging into frozen projections")
struct MergingTests {
    /// A checkpoint some of whose tensors are replaced.
    private struct Replacing: ParameterSource {
        let base: ParametersOnDevice
        let replacements: [String: Tensor]

        func parameter(_ name: String, shape: [Int], initial: Initializer) throws -> Tensor {
            let stored = try base.parameter(name, shape: shape, initial: initial)
            return replacements[name] ?? stored
        }

        func contains(_ name: String) -> Bool { base.contains(name) }
    }

    /// The checkpoint's name of a projection.
    private func name(_ site: Site) throws -> String {
        let place =
            switch site.role {
            case .query, .key, .value: "attention.self.\(site.role.rawValue)"
            case .attentionOutput: "attention.output.dense"
            case .up: "intermediate.dense"
            default: "output.dense"
            }
        return "encoder.layer.\(try #require(site.layer)).\(place)"
    }

    /// The tiny BERT with other projections.
    private func encoder(
        _ merged: [Site: (weight: Tensor, bias: Tensor?)]
    ) throws -> Bert {
        var replacements: [String: Tensor] = [:]
        for (site, (weight, bias)) in merged {
            replacements[try name(site) + ".weight"] = weight
            replacements[try name(site) + ".bias"] = bias
        }
        let folder = Fixture.folder.appending(path: "bert/h16").path(percentEncoded: false)
        let base = ParametersOnDevice(
            CheckpointParameters(try Checkpoint(path: folder), prefix: Bert.checkpointPrefix),
            device: testDevice
        )
        return try Bert(
            ConfigurationFile(path: folder + "/config.json"),
            ParameterScope(Replacing(base: base, replacements: replacements))
        )
    }

    @Test(arguments: ProjectionCase.mergeable)
    func `a merged model computes what the adapted one does`(name: String) throws {
        let example = try ProjectionCase(name)
        let frozen = try referenceEncoder()
        let (model, _) = try example.adapted(to: frozen)
        let merged = try model.adapters.merged(into: frozen.sites)
        #expect(Set(merged.keys) == model.adapters.sites)
        let batch = try example.fixture.batch()
        let context = ForwardContext(layout: batch.layout)
        let hidden = try encoder(merged)(batch, in: context, wanted: .all).hidden
        try expectClose(hidden, model.output(batch, wanted: .all).hidden, "hidden")
        // The model without them is another one, so that the comparison says something.
        let before = try frozen(batch, in: context, wanted: .all).hidden
        let distance = try (hidden - before).squared().mean().item()
        #expect(distance > 1e-3)
    }

    @Test(arguments: ProjectionCase.mergeable)
    func `merging leaves the frozen model as it was`(name: String) throws {
        let example = try ProjectionCase(name)
        let (frozen, untouched) = (try referenceEncoder(), try referenceEncoder())
        let (model, _) = try example.adapted(to: frozen)
        let merged = try model.adapters.merged(into: frozen.sites)
        for (site, same) in zip(frozen.sites.linear, untouched.sites.linear) {
            try expectIdentical(site.linear.weight.dense(), same.linear.weight.dense())
            let (found, expected) = (
                try #require(site.linear.bias), try #require(same.linear.bias)
            )
            try expectIdentical(found, expected, "\(site.site)")
        }
        for (weight, bias) in merged.values {
            #expect(try !weight.requiresGradient && weight.dtype == .float32)
            #expect(bias?.requiresGradient == false)
        }
    }

    @Test
    func `a half-precision weight is merged in full precision`() throws {
        let source = StoredParameters([
            "weight": try Tensor([Float(1), 2, 3, 4, 5, 6], shape: [2, 3])
                .converted(to: .bfloat16)
        ])
        var sites = SiteMap()
        let site = Site(.encoder, layer: 0, .key)
        sites.linear = [LinearSite(site, try Linear(3, 2, bias: false, ParameterScope(source)))]
        let scale = StoredParameters(["encoder.0.key.scale": try Tensor([Float(1.0009765625), 2])])
        let adapters = try AdapterRegistry.builtin
            .method(named: #"ia3[feedforward=none,target_modules=["key"]]"#)
            .attached(to: sites, ParameterScope(scale))
        let merged = try #require(try adapters.merged(into: sites)[site])
        #expect(
            try merged.weight.values(as: Float.self)
                == [1.0009765625, 2.001953125, 3.0029296875, 8, 10, 12]
        )
        #expect(merged.bias == nil)
    }

    @Test(arguments: [
        ("lora[use_gating=true]", "encoder.0.query"), ("seq_bn", "encoder.0.feed_forward"),
    ])
    func `what no weight can compute is named`(method: String, site: String) throws {
        let encoder = try referenceEncoder()
        let adapters = try AdapterRegistry.builtin.method(named: method)
            .attached(to: encoder.sites, ParameterScope(FreshParameters(seed: 1)))
        let error = #expect(throws: ConfigurationError.self) {
            try adapters.merged(into: encoder.sites)
        }
        #expect(error?.problem.contains("what acts at \(site) cannot become") == true)
    }
}
