import Foundation
import GraftAdapters
import GraftLayers
import GraftModels
import GraftTestSupport
import GraftTorch
import Testing

/// Fusions and stacks, made by `Tools/reference/compositions.py`.
@Suite("Compositions against adapters 1.3.0")
struct CompositionParityTests {
    static let cases = MethodCase.names(in: ["compositions"])

    @Test
    func `the fixtures are there`() { #expect(CompositionParityTests.cases.count == 8) }

    /// A composition with the fixture's parameters: those of the members frozen in a fusion.
    private struct Example {
        let fixture: Fixture
        let model: AdaptedEncoder
        let buffer: ParameterBuffer

        init(_ name: String) throws {
            fixture = try Fixture(name)
            let member = try AdapterRegistry.builtin.method(
                named: #require(fixture.metadata["member"])
            )
            let composition = try Composition(#require(fixture.metadata["composition"]))
            let settings = Data(try #require(fixture.metadata["fusion"]).utf8)
            let fusion = try JSONDecoder().decode(Fusion?.self, from: settings)
            let method = try Composed(
                composition,
                of: Dictionary(uniqueKeysWithValues: composition.names.map { ($0, member) }),
                fusion: fusion ?? Fusion()
            )
            buffer = try ParameterBuffer(Example.parameters(fixture))
            let trained = zip(buffer.slices, buffer.leaves).map { ($0.name, $1) }
            let frozen = fixture.tensors(below: "frozen.").map { ($0.key, $0.value) }
            let stored = StoredParameters(Dictionary(uniqueKeysWithValues: trained + frozen))
            model = try AdaptedEncoder(
                encoder: referenceEncoder(),
                method: method,
                head: HeadConfiguration(.classification, outputCount: 3).with(layers: 1),
                ParameterScope(stored)
            )
            try stored.checkAllUsed()
        }

        static func parameters(
            _ fixture: Fixture,
            _ prefix: String = ""
        ) -> [(name: String, value: Tensor)] {
            fixture.tensors(below: prefix)
                .filter { $0.key.hasPrefix("adapter.") || $0.key.hasPrefix("head.") }
                .map { ($0.key, $0.value) }.sorted { $0.name < $1.name }
        }

        func loss() throws -> Tensor {
            let loss = try model.logits(fixture.batch()).crossEntropy(fixture["labels"])
            return try model.adapters.penalty().map { try loss + $0 } ?? loss
        }
    }

    @Test(arguments: cases)
    func `forward and gradients equal the reference`(name: String) throws {
        let example = try Example(name)
        let fixture = example.fixture
        let output = try example.model.output(fixture.batch(), wanted: .all)
        try expectClose(output.hidden, fixture["hidden"], "hidden")
        let loss = try example.loss()
        try expectClose(loss.reshaped(1), fixture["loss"], "loss")
        let expected = Example.parameters(fixture, "grad.")
        #expect(expected.map(\.name) == example.buffer.slices.map(\.name))
        let found = try gradients(of: loss, for: example.buffer.leaves)
        for (gradient, expected) in zip(found, expected) {
            try expectClose(gradient, expected.value, "gradient of \(expected.name)")
        }
    }

    @Test(arguments: cases)
    func `ten training steps equal the reference`(name: String) throws {
        let example = try Example(name)
        let buffer = example.buffer
        var settings = AdamW.Settings()
        settings.weightDecay = 0.01
        var optimizer = try AdamW(count: buffer.count, settings: settings)
        var losses: [Double] = []
        for _ in 0..<10 {
            let loss = try example.loss()
            losses.append(try loss.item())
            try optimizer.step(
                buffer,
                gradients: buffer.flattened(gradients(of: loss, for: buffer.leaves)),
                learningRate: 1e-2
            )
        }
        expectClose(losses, try example.fixture["losses"].values(), "losses")
        let expected = Example.parameters(example.fixture, "after.")
        for (leaf, expected) in zip(buffer.leaves, expected) {
            try expectClose(leaf, expected.value, "\(expected.name) after ten steps")
        }
    }

    @Test
    func `a fusion tells how it weighs its members`() throws {
        let example = try Example("compositions/fuse")
        let batch = try example.fixture.batch()
        let seen = Recorder()
        var context = ForwardContext(layout: batch.layout, adapters: example.model.adapters)
        context.observe = { seen.add($0, $1) }
        _ = try example.model.encoder(batch, in: context, wanted: .all)
        #expect(seen.sites == ["encoder.0.feed_forward", "encoder.1.feed_forward"])
        for weights in seen.weights {
            #expect(weights.shape == [batch.layout.tokenCount, 3])
            let sums: [Float] = try weights.sum(along: 1).values()
            #expect(sums.allSatisfy { abs($0 - 1) < 1e-5 })
        }
    }
}

/// What a pass observed; a test runs it on one thread.
private final class Recorder: @unchecked Sendable {
    private(set) var sites: [String] = []
    private(set) var weights: [Tensor] = []

    func add(_ site: Site, _ weights: Tensor) {
        sites.append(site.path)
        self.weights.append(weights)
    }
}

extension HeadConfiguration {
    fileprivate func with(layers: Int) -> HeadConfiguration {
        var head = self
        head.layers = layers
        return head
    }
}
