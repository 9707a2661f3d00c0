import GraftAdapters
import GraftModels
import GraftTestSupport
import GraftTorch
import Testing

/// Against the references named in `Tools/reference`: `adapters` 1.3.0 where that is right.
@Suite("Methods against references")
struct MethodParityTests {
    /// How many fixtures each folder has.
    static let folders = [
        "compacter": 12, "invertible": 4, "prefix": 8, "prompt": 4, "reft": 9, "unions": 2,
    ]

    static let cases = MethodCase.names(in: folders.keys.sorted())

    @Test(arguments: folders.keys.sorted())
    func `the fixtures are there`(folder: String) {
        #expect(MethodCase.names(in: [folder]).count == MethodParityTests.folders[folder])
    }

    @Test(arguments: cases)
    func `forward and gradients equal the reference`(name: String) throws {
        let example = try MethodCase(name)
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
        let example = try MethodCase(name)
        let (model, buffer) = try example.adapted()
        let batch = try example.fixture.batch()
        var settings = AdamW.Settings()
        settings.weightDecay = example.weightDecay
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
        let example = try MethodCase(name)
        guard let reference = try example.methodOfReference() else { return }
        #expect(try MethodCase.stored(example.method) == MethodCase.stored(reference))
    }
}
