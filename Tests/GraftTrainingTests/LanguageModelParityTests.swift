import GraftAdapters
import GraftLayers
import GraftModels
import GraftTestSupport
import GraftTorch
import GraftTraining
import Testing

/// Against `peft` 0.21.2 and `adapters` 1.3.0 on `transformers` 4.57.6; the fixtures are made by
/// `Tools/reference/language_models.py` and `seq2seq.py`.
@Suite("Models that write, in training against peft 0.21.2 and adapters 1.3.0")
struct LanguageModelParityTests {
    static let answering = (try? Fixture.names(in: "seq2seq")) ?? []
    static let names = ((try? Fixture.names(in: "language_models")) ?? []) + answering

    /// A fixture's model with an adapter at the reference's values, and its rows.
    private struct Case {
        let fixture: Fixture
        let model: AdaptedModel
        let buffer: ParameterBuffer
        let rows: EncodedRows
        let kind: HeadKind

        init(_ name: String) throws {
            fixture = try Fixture(name)
            kind = name.hasPrefix("seq2seq") ? .seq2seq : .causalLM
            let base = try TinyModel(#require(fixture.metadata["model"])).base
            let parameters = fixture.tensors(below: "adapter.").sorted { $0.key < $1.key }
                .map { (name: "adapter." + $0.key, value: $0.value) }
            buffer = try ParameterBuffer(parameters, device: testDevice)
            let leaves = zip(buffer.slices, buffer.leaves).map { ($0.name, $1) }
            let stored = StoredParameters(Dictionary(uniqueKeysWithValues: leaves))
            model = try AdaptedModel(
                base,
                method: AdapterRegistry.builtin.method(
                    named: #require(fixture.metadata["method"])
                ),
                head: HeadConfiguration(kind, outputCount: base.shape.vocabularySize),
                ParameterScope(stored)
            )
            try stored.checkAllUsed()
            let ids = try fixture.rows("ids")
            guard kind == .causalLM else {
                let answers = try fixture.rows("labels", lengths: "labels.lengths")
                rows = EncodedRows(answers: Array(zip(ids, answers)).map { ($0, $1) }, behind: 0)
                return
            }
            let wanted = try fixture.rows("wanted")
            rows = EncodedRows(tokens: zip(ids, wanted).map { ($0, $1.map { $0 == 1 }) })
        }

        /// The mean over all tokens that are to be written.
        func loss(stretch: Int? = nil) throws -> Tensor {
            let loss = TaskLoss(kind)
            let all = Array(0..<rows.count)
            let sum = try #require(
                try model.writingLoss(loss, of: all, in: rows, stretch: stretch)
            )
            return try sum * (1 / loss.weight(of: all, in: rows, outputs: 1))
        }
    }

    @Test
    func `the fixtures are there`() {
        #expect(LanguageModelParityTests.names.count == 13)
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
        let losses = try trained(example)
        expectClose(losses, try example.fixture["losses"].values(), "losses")
        for (slice, leaf) in zip(example.buffer.slices, example.buffer.leaves) {
            try expectClose(leaf, example.fixture["after." + slice.name], slice.name)
        }
    }

    @Test(arguments: answering, [1, 3])
    func `what was trained writes token for token what the reference writes`(
        name: String,
        beams: Int
    ) throws {
        let example = try Case(name)
        _ = try trained(example)
        var options = GenerationOptions()
        (options.maxNewTokens, options.endTokens, options.beams) = (12, [1], beams)
        let writer = try TokenWriter(
            #require(example.model.head.writer),
            adapters: example.model.adapters,
            options: options
        )
        let written = try writer(example.fixture.rows("ids"))
        for (row, answer) in written.enumerated() {
            let way = beams == 1 ? "greedy" : "beam"
            let expected: [Int64] = try example.fixture["\(way).\(row)"].values()
            #expect(answer.tokens == expected.map(Int32.init), "row \(row)")
        }
    }

    /// Takes ten steps; the losses in front of each.
    private func trained(_ example: Case) throws -> [Double] {
        var settings = AdamW.Settings()
        settings.weightDecay = 0.01
        var optimizer = try AdamW(for: example.buffer, settings: settings)
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
        return losses
    }

    @Test(arguments: names)
    func `a row's loss is that of the row alone`(name: String) throws {
        let example = try Case(name)
        let together = try example.model.predictions(example.rows).logits
        for row in 0..<example.rows.count {
            let alone = try withoutGradients { () throws in
                try #require(
                    try example.model.writingLoss(
                        TaskLoss(example.kind),
                        of: [row],
                        in: example.rows
                    )
                ).item()
            }
            expectClose([Double(together[row][0])], [alone], "row \(row)")
        }
        let total = together.reduce(0) { $0 + Double($1[0]) }
        let mean = try withoutGradients { () throws in try example.loss().item() }
        let weight = TaskLoss(example.kind)
            .weight(of: 0..<example.rows.count, in: example.rows, outputs: 1)
        expectClose([total / weight], [mean])
    }
}
