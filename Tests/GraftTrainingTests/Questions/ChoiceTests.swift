import GraftAdapters
import GraftData
import GraftFormats
import GraftLayers
import GraftModels
import GraftTestSupport
import GraftText
import GraftTorch
import GraftTraining
import Testing

@Suite("Choices")
struct ChoiceTests {
    private func read(_ lines: [String], target: RowSchema.Target? = .choice) throws -> Dataset {
        try Dataset(
            parsing: Array(lines.joined(separator: "\n").utf8),
            named: "rows.jsonl",
            schema: RowSchema(.choices, target: target),
            format: .jsonLines
        )
    }

    /// The right choice is the one that says the row's subject; rows have two to four.
    private static let lines = (0..<24).map { number -> String in
        let subjects = ["film", "book", "song", "play"]
        let right = number % 4
        let count = 2 + number / 4 % 3
        let place = number % count
        var choices = (0..<count).map { "a \(subjects[(right + 1 + $0) % 4])" }
        choices[place] = "the \(subjects[right])"
        let list = choices.map { "\"\($0)\"" }.joined(separator: ", ")
        return #"{"text": "alice was in paris", "choices": [\#(list)], "label": \#(place)}"#
    }

    @Test
    func `a row makes a sequence of every choice, however many it has`() throws {
        let base = try TinyModel().base
        let data = try read([
            #"{"text": "a film", "choices": ["good", "very bad", "fine"], "label": 1}"#,
            #"{"text": "the", "choices": ["book", "song"], "label": 0.0}"#,
        ])
        let rows = try base.encoded(data, for: .multipleChoice, maxLength: 32, labels: nil)
        #expect(rows.count == 2 && rows.length(0) == 6 + 7 + 6 && rows.limitedLength(0) == 7)
        guard case .choices(let right) = rows.targets else {
            Issue.record("no choices")
            return
        }
        #expect(right == [1, 0])
        let batch = try #require(try rows.batch([1, 0]) as? TokenBatch)
        #expect(batch.layout.rowCount == 5)
        let ids: [Int32] = try batch.ids.values()
        let words = try ids.map { try #require(base.tokenizer.token(of: $0)) }
        #expect(
            words.prefix(10).joined(separator: " ")
                == "[CLS] the [SEP] book [SEP] [CLS] the [SEP] song [SEP]"
        )
    }

    @Test(arguments: [
        ("bert/h16", "seq_bn"), ("bert/h16", "head"), ("bert/h16", "lora[leave_out=[0]]"),
        ("gpt2/tied", "lora[r=8,target_modules=all-linear]"),
    ])
    func `a method learns to choose, with the same bits from kept states`(
        model: String,
        method: String
    ) throws {
        let base = try TinyModel(model).base
        let data = try read(ChoiceTests.lines)
        let rows = try base.encoded(data, for: .multipleChoice, maxLength: 32, labels: nil)
        func run(trunkMemory: Int) throws -> Trainer.Outcome {
            var options = TrainingOptions()
            (options.epochs, options.batchSize, options.workers) = (30, 4, 2)
            options.learningRate = 1e-2
            let head = HeadConfiguration(
                .multipleChoice,
                outputCount: 1,
                pooling: base.shape.defaultPooling
            )
            return try Trainer(
                base,
                method: AdapterRegistry.builtin.method(named: method),
                head: head,
                labels: [],
                options: options
            ).run(on: rows, evaluation: rows, trunkMemory: trunkMemory)
        }
        let kept = try run(trunkMemory: 1 << 20)
        let metrics = try #require(kept.epochs.last?.metrics)
        #expect(try #require(metrics[.accuracy]) > 0.8, "\(metrics)")
        let anew = try run(trunkMemory: 0)
        #expect(kept.steps == anew.steps && kept.epochs == anew.epochs)
    }

    @Test
    func `an adapter chooses among any number of texts`() throws {
        let base = try TinyModel().base
        var options = TrainingOptions()
        (options.epochs, options.learningRate, options.workers) = (40, 1e-2, 2)
        options.batchSize = 4
        let adapter = try base.train("double_seq_bn", on: read(ChoiceTests.lines), options: options)
        #expect(adapter.head.kind == .multipleChoice && adapter.head.outputCount == 1)
        let folder = try TemporaryFolder()
        try adapter.write(to: folder.path + "/a")
        let predictor = try Predictor(base, adapter: AdapterBundle(path: folder.path + "/a"))
        let line =
            #"{"text": "alice was in paris", "choices": ["a film", "a book", "a song", "a play", "the song"]}"#
        let answers = try predictor.answers(
            predictor.encode(read([line], target: nil), labelled: false)
        )
        #expect(answers[0].labels == ["4"] && answers[0].scores.count == 5)
        #expect(abs(answers[0].scores.reduce(0) { $0 + $1.score } - 1) < 1e-6)
    }

    @Test(arguments: [
        (#"{"text": "a", "choices": ["b", "c"], "label": 2}"#, "there is no choice 2"),
        (#"{"text": "a", "choices": ["b", "c"], "label": 0.5}"#, "where a choice's number"),
        (#"{"text": "a", "choices": ["b"], "label": 0}"#, "nothing to choose"),
        (#"{"text": "a", "choices": "b", "label": 0}"#, "no array of texts"),
        (#"{"text": "a", "label": 0}"#, "no column 'choices'"),
    ])
    func `rows that cannot be read are named`(line: String, problem: String) {
        let error = #expect(throws: DataError.self) { try read([line]) }
        let text = error.map { "\($0)" } ?? ""
        #expect(text.contains("rows.jsonl:1: ") && text.contains(problem), "\(text)")
    }

    @Test
    func `smoothing of classes does not go with choices`() throws {
        let base = try TinyModel().base
        var options = TrainingOptions()
        options.labelSmoothing = 0.1
        #expect(throws: TrainingError.self) {
            try base.train("lora", on: read(ChoiceTests.lines), options: options)
        }
    }
}
