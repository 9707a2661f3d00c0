import GraftAdapters
import GraftLayers
import GraftModels
import GraftTestSupport
import GraftTorch
import GraftTraining
import Testing

/// Against `peft` 0.21.2 on `transformers` 4.57.6; the fixtures are made by `Tools/reference/language_models.py`.
@Suite("Language models in training against peft 0.21.2")
struct LanguageModelParityTests {
    static let names = (try? Fixture.names(in: "language_models")) ?? []

    /// A fixture's model with an adapter at the reference's values, and its rows.
    private struct Case {
        let fixture: Fixture
        let model: AdaptedModel
        let buffer: ParameterBuffer
        let rows: EncodedRows

        init(_ name: String) throws {
            fixture = try Fixture(name)
            let base = try TinyModel(#require(fixture.metadata["model"])).base
            let parameters = fixture.tensors(below: "adapter.").sorted { $0.key < $1.key }
                .map { (name: "adapter." + $0.key, value: $0.value) }
            buffer = try ParameterBuffer(parameters)
            let leaves = zip(buffer.slices, buffer.leaves).map { ($0.name, $1) }
            let stored = StoredParameters(Dictionary(uniqueKeysWithValues: leaves))
            model = try AdaptedModel(
                base,
                method: AdapterRegistry.builtin.method(
                    named: #require(fixture.metadata["method"])
                ),
                head: HeadConfiguration(.causalLM, outputCount: base.shape.vocabularySize),
                ParameterScope(stored)
            )
            try stored.checkAllUsed()
            let wanted = try fixture.rows("wanted")
            rows = EncodedRows(
                tokens: try zip(fixture.rows("ids"), wanted).map { ($0, $1.map { $0 == 1 }) }
            )
        }

        /// The mean over all tokens that are to be written.
        func loss(stretch: Int? = nil) throws -> Tensor {
            let loss = TaskLoss(.causalLM)
            let all = Array(0..<rows.count)
            let sum = try #require(
                try model.writingLoss(loss, of: all, in: rows, stretch: stretch)
            )
            return try sum * (1 / loss.weight(of: all, in: rows, outputs: 1))
        }
    }

    @Test
    func `the fixtures are there`() {
        #expect(LanguageModelParityTests.names.count == 8)
    }

    // Scores of three tokens at a time, and of all at once.
    @Test(arguments: names, [3, 1000])
    func `loss and gradients equal the reference`(name: String, stretch: Int) throws {
        let example = try Case(name)
        let loss = try example.loss(stretch: stretch)
        let losses: [Double] = try example.fixture["losses"].values()
        expectClose([try loss.item()], [losses[0]], "loss")
        let found = try gradients(of: loss, for: example.buffer.leaves)
        for (slice, gradient) in zip(example.buffer.slices, found) {
            try expectClose(gradient, example.fixture["grad." + slice.name], slice.name)
        }
    }

    @Test(arguments: names)
    func `ten training steps equal the reference`(name: String) throws {
        let example = try Case(name)
        var settings = AdamW.Settings()
        settings.weightDecay = 0.01
        var optimizer = try AdamW(count: example.buffer.count, settings: settings)
        var losses: [Double] = []
        for _ in 0..<10 {
            let loss = try example.loss()
            losses.append(try loss.item())
            try optimizer.step(
                example.buffer,
                gradients: example.buffer.flattened(
                    gradients(of: loss, for: example.buffer.leaves)
                ),
                learningRate: 1e-2
            )
        }
        expectClose(losses, try example.fixture["losses"].values(), "losses")
        for (slice, leaf) in zip(example.buffer.slices, example.buffer.leaves) {
            try expectClose(leaf, example.fixture["after." + slice.name], slice.name)
        }
    }

    @Test(arguments: names)
    func `a row's loss is that of the row alone`(name: String) throws {
        let example = try Case(name)
        let together = try example.model.predictions(example.rows).logits
        for row in 0..<example.rows.count {
            let alone = try withoutGradients { () throws in
                try #require(
                    try example.model.writingLoss(
                        TaskLoss(.causalLM),
                        of: [row],
                        in: example.rows
                    )
                ).item()
            }
            expectClose([Double(together[row][0])], [alone], "row \(row)")
        }
        let total = together.reduce(0) { $0 + Double($1[0]) }
        let mean = try withoutGradients { () throws in try example.loss().item() }
        let weight = TaskLoss(.causalLM)
            .weight(of: 0..<example.rows.count, in: example.rows, outputs: 1)
        expectClose([total / weight], [mean])
    }
}
