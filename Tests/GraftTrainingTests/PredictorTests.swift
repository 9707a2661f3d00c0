import GraftAdapters
import GraftFormats
import GraftLayers
import GraftModels
import GraftTestSupport
import GraftTorch
import GraftTraining
import Testing

@Suite("Predictor")
struct PredictorTests {
    private func bundle(_ task: TinyTask, _ base: BaseModel, epochs: Int = 120) throws
        -> AdapterBundle
    {
        var run = TrainingRun { ($0.epochs, $0.learningRate) = (epochs, 2e-2) }
        run.task = task
        return AdapterBundle(
            method: try AdapterRegistry.builtin.method(named: run.method),
            methodName: run.method,
            head: task.head,
            labels: task.labels,
            maxLength: 32,
            base: try base.identity(),
            provenance: [:],
            tensors: try run(base).tensors
        )
    }

    @Test
    func `a classifier answers with labels and probabilities`() throws {
        let base = try TinyModel().base
        let predictor = try Predictor(base, adapter: bundle(.classification, base))
        let answers = try predictor(["the film is good", "the song is very awful"])
        #expect(answers.map(\.labels) == [["positive"], ["negative"]])
        for answer in answers {
            #expect(answer.scores.map(\.label) == ["negative", "positive"])
            #expect(abs(answer.scores.reduce(0) { $0 + $1.score } - 1) < 1e-9)
            #expect(answer.logits.count == 1)
        }
    }

    @Test
    func `a multi-label classifier answers with any number of labels`() throws {
        let base = try TinyModel().base
        let predictor = try Predictor(base, adapter: bundle(.multiLabel, base))
        let answers = try predictor(["the song is very fine", "the film is bad"])
        #expect(answers.map { Set($0.labels) } == [["praise", "strong", "music"], []])
    }

    @Test
    func `a regressor answers with a number`() throws {
        let base = try TinyModel().base
        let predictor = try Predictor(base, adapter: bundle(.regression, base))
        let answers = try predictor(["the film is very good", "the film is bad"])
        #expect(answers.map(\.labels) == [[], []])
        let values = answers.map { $0.scores[0].score }
        #expect(answers[0].scores[0].label == "value")
        #expect(values[0] > 0.5)
        #expect(values[1] < 0)
    }

    @Test
    func `a tagger answers for every word of a text`() throws {
        let base = try TinyModel().base
        let predictor = try Predictor(base, adapter: bundle(.tagging, base))
        let answer = try predictor(["the books is good alice was paris"])
        #expect(answer[0].labels == ["O", "O", "O", "O", "B-PER", "O", "B-LOC"])
        #expect(answer[0].logits.map(\.count) == [3, 3, 3, 3, 3, 3, 3])
        // Every word has a place, also one without tokens and those beyond the longest row.
        let bare = try predictor(["the books is good alice \u{200B} was paris"])
        #expect(bare[0].labels == ["O", "O", "O", "O", "B-PER", "", "O", "B-LOC"])
        #expect(bare[0].logits.map(\.count) == [3, 3, 3, 3, 3, 0, 3, 3])
        let long = Array(repeating: "alice", count: 40).joined(separator: " ")
        let cut = try predictor([long])[0].labels
        #expect(cut.count == 40 && cut.first != "" && cut.last == "")
    }

    @Test
    func `an adapter of another model is refused, unless that is allowed`() throws {
        let base = try TinyModel().base
        let bundle = try bundle(.classification, base, epochs: 1)
        let other = try TinyModel("bert/h24").base
        let error = #expect(throws: TrainingError.self) {
            try Predictor(other, adapter: bundle, named: "mood")
        }
        #expect(
            error?.description.contains(
                "mood: this adapter belongs to another model: it was trained on 2 layers of 16"
            ) == true
        )
        let shape = #expect(throws: TrainingError.self) {
            try Predictor(other, adapter: bundle, named: "mood", allowsBaseMismatch: true)
        }
        #expect(
            shape?.description.hasPrefix(
                "mood/adapter.safetensors: adapter.encoder.0.attention.down.weight: expected shape"
            ) == true
        )
        var foreign = bundle
        foreign.base.tokenizer = foreign.base.weights
        #expect(throws: TrainingError.self) { try Predictor(base, adapter: foreign) }
        _ = try Predictor(base, adapter: foreign, allowsBaseMismatch: true)
    }

    @Test
    func `tensors that are missing or too many are named`() throws {
        let base = try TinyModel().base
        let whole = try bundle(.classification, base, epochs: 1)
        var lacking = whole
        lacking.tensors["head.0.bias"] = nil
        let missing = #expect(throws: TrainingError.self) { try Predictor(base, adapter: lacking) }
        #expect(missing?.description.contains(".safetensors: head.0.bias: is missing") == true)
        var surplus = whole
        surplus.tensors["adapter.encoder.7.up.bias"] = try Tensor(zeros: [1])
        let unused = #expect(throws: TrainingError.self) { try Predictor(base, adapter: surplus) }
        #expect(
            unused?.description.contains(".safetensors: adapter.encoder.7.up.bias: is stored")
                == true
        )
    }
}
