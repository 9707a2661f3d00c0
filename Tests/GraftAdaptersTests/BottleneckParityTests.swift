import Foundation
import GraftAdapters
import GraftLayers
import GraftModels
import GraftTestSupport
import GraftTorch
import Testing

/// Against `adapters` 1.3.0; the fixtures are made by `Tools/reference/bottleneck.py`.
@Suite("Bottleneck against adapters 1.3.0")
struct BottleneckParityTests {
    /// The fixtures' names; a folder that cannot be read has none, which the first test tells.
    static let cases = (try? Fixture.names(in: "bottleneck")) ?? []

    @Test
    func `the fixtures are there`() {
        #expect(BottleneckParityTests.cases.count >= 52)
    }

    @Test(arguments: cases)
    func `forward and gradients equal the reference`(name: String) throws {
        let example = try BottleneckCase(name)
        let (model, buffer) = try example.adapted()
        let fixture = example.fixture
        let batch = try fixture.batch()
        let output = try model.output(batch, wanted: .all)
        try expectClose(output.hidden, fixture["hidden"], "hidden")
        let logits = try model.logits(batch)
        try expectClose(logits, fixture["logits"], "logits")
        let loss = try logits.crossEntropy(fixture["labels"])
        try expectClose(loss.reshaped(1), fixture["loss"], "loss")
        let expected = example.parameters("grad.")
        #expect(expected.map(\.name) == buffer.slices.map(\.name))
        for (gradient, expected) in zip(try gradients(of: loss, for: buffer.leaves), expected) {
            try expectClose(gradient, expected.value, "gradient of \(expected.name)")
        }
    }

    @Test(arguments: cases)
    func `ten training steps equal the reference`(name: String) throws {
        let example = try BottleneckCase(name)
        let (model, buffer) = try example.adapted()
        let batch = try example.fixture.batch()
        var settings = AdamW.Settings()
        settings.weightDecay = 0.01
        var optimizer = try AdamW(count: buffer.count, settings: settings)
        var losses: [Double] = []
        for _ in 0..<10 {
            let loss = try model.logits(batch).crossEntropy(example.fixture["labels"])
            losses.append(try loss.item())
            try optimizer.step(
                buffer,
                gradients: buffer.flattened(gradients(of: loss, for: buffer.leaves)),
                learningRate: 1e-2
            )
        }
        expectClose(losses, try example.fixture["losses"].values(), "losses")
        for (leaf, expected) in zip(buffer.leaves, example.parameters("after.")) {
            try expectClose(leaf, expected.value, "\(expected.name) after ten steps")
        }
    }

    @Test(arguments: cases)
    func `the preset with its settings is the reference's configuration`(name: String) throws {
        let example = try BottleneckCase(name)
        let preset = try #require(example.fixture.metadata["preset"])
        let text = Data(try #require(example.fixture.metadata["settings"]).utf8)
        var settings = try #require(
            JSONSerialization.jsonObject(with: text) as? [String: Any]
        )
        if settings["reduction_factor"] == nil, !name.hasSuffix("_default_factor") {
            settings["reduction_factor"] = 4
        }
        // The fixtures are made without the preset's randomness.
        if preset == "adapter_plus" { settings["stochastic_depth"] = 0 }
        let written = try settings.map { name, value in
            let json = try JSONSerialization.data(
                withJSONObject: value,
                options: .fragmentsAllowed
            )
            return "\(name)=\(String(decoding: json, as: UTF8.self))"
        }
        let expression = "\(preset)[\(written.sorted().joined(separator: ","))]"
        let method = try AdapterRegistry.builtin.method(named: expression)
        #expect(method as? Bottleneck == example.method, "\(expression)")
    }

    @Test(arguments: cases)
    func `what the reference's configuration has besides is off`(name: String) throws {
        for (field, value) in try BottleneckCase(name).droppedFields {
            let json = try JSONSerialization.data(
                withJSONObject: value,
                options: .fragmentsAllowed
            )
            #expect(String(decoding: json, as: UTF8.self) == BottleneckCase.unsupported[field])
        }
    }
}
