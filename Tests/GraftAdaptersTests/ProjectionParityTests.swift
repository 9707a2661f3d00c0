import GraftAdapters
import GraftLayers
import GraftModels
import GraftTestSupport
import GraftTorch
import Testing

/// Against `adapters` 1.3.0 and `peft` 0.21.2; the fixtures are made by `Tools/reference/projections.py`.
@Suite("LoRA, DoRA, PiSSA, (IA)3 and VeRA against adapters 1.3.0 and peft 0.21.2")
struct ProjectionParityTests {
    @Test
    func `the fixtures are there`() {
        #expect(ProjectionCase.all.count >= 25)
    }

    @Test(arguments: ProjectionCase.all)
    func `forward and gradients equal the reference`(name: String) throws {
        let example = try ProjectionCase(name)
        let (model, buffer) = try example.adapted(to: referenceEncoder())
        let fixture = example.fixture
        let batch = try fixture.batch()
        let output = try model.output(batch, wanted: .all)
        try expectClose(output.hidden, fixture["hidden"], "hidden")
        let logits = try model.logits(batch)
        try expectClose(logits, fixture["logits"], "logits")
        let loss = try logits.crossEntropy(fixture["labels"])
        try expectClose(loss.reshaped(1), fixture["loss"], "loss")
        let expected = try example.parameters("grad.")
        #expect(expected.map(\.name) == buffer.slices.map(\.name))
        for (gradient, expected) in zip(try gradients(of: loss, for: buffer.leaves), expected) {
            try expectClose(gradient, expected.value, "gradient of \(expected.name)")
        }
    }

    @Test(arguments: ProjectionCase.all)
    func `ten training steps equal the reference`(name: String) throws {
        let example = try ProjectionCase(name)
        let (model, buffer) = try example.adapted(to: referenceEncoder())
        let batch = try example.fixture.batch()
        var settings = AdamW.Settings()
        settings.weightDecay = try example.fixture.json("weight_decay")
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
        for (leaf, expected) in zip(buffer.leaves, try example.parameters("after.")) {
            try expectClose(leaf, expected.value, "\(expected.name) after ten steps")
        }
    }

    @Test(arguments: ["projections/peft_vera", "projections/peft_vera_all_linear"])
    func `the seed gives the random matrices that peft draws`(name: String) throws {
        let example = try ProjectionCase(name)
        let method = try #require(example.method as? VeRA)
        let (a, b) = try method.projections(for: referenceEncoder().sites)
        try expectIdentical(a, example.fixture["vera_A"], "A")
        try expectIdentical(b, example.fixture["vera_B"], "B")
    }
}
