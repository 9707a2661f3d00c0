import Foundation
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

@Suite("Texts that answer others")
struct Seq2seqTests {
    private static let subjects = ["film", "book", "song", "play"]
    private static let lines = subjects.map {
        #"{"text": "the \#($0) is", "target": "very \#($0)"}"#
    }

    private func data(_ lines: [String], target: RowSchema.Target? = .texts) throws -> Dataset {
        try Dataset(
            parsing: Array(lines.joined(separator: "\n").utf8),
            named: "rows.jsonl",
            schema: RowSchema(.writing, target: target),
            format: .jsonLines
        )
    }

    private func rows(
        _ base: BaseModel,
        _ lines: [String],
        target: RowSchema.Target? = .texts,
        maxLength: Int = 32,
        targetLength: Int = 128
    ) throws -> EncodedRows {
        var reading = ReadingOptions()
        reading.targetLength = targetLength
        return try base.encoded(
            data(lines, target: target),
            for: .seq2seq,
            maxLength: maxLength,
            reading: reading,
            labels: nil
        )
    }

    private func failure(_ body: () throws -> Void) -> String {
        do {
            try body()
            return ""
        } catch {
            return "\(error)"
        }
    }

    private func words(_ ids: [Int32], _ base: BaseModel) throws -> String {
        try ids.map { try #require(base.tokenizer.token(of: $0)) }.joined(separator: " ")
    }

    /// Texts of these tiny models end with token number 1, `[UNK]`, and start behind number 0, `[PAD]`.
    @Test
    func `the decoder reads the target one place later, behind the start token`() throws {
        let base = try TinyModel("t5/v1_0").base
        let lines = [
            #"{"text": "the film is", "target": ["very good", "fine"]}"#,
            #"{"text": "a book", "target": ""}"#,
        ]
        let found = try rows(base, lines)
        guard case .tokens(let targets) = found.targets else {
            Issue.record("no tokens")
            return
        }
        #expect(
            try words(targets.wanted, base) == "[CLS] very good [SEP] [UNK] [CLS] [SEP] [UNK]"
        )
        #expect(targets.byteCounts == ["very good".utf8.count, 0])
        let batch = try #require(try found.batch([0, 1]) as? SourceTargetBatch)
        let read: [Int32] = try batch.target.ids.values()
        #expect(try words(read, base) == "[PAD] [CLS] very good [SEP] [PAD] [CLS] [SEP]")
        let source: [Int32] = try #require(batch.source).ids.values()
        #expect(try words(source, base) == "[CLS] the film is [SEP] [CLS] a book [SEP]")
        #expect(
            (0..<2).map(found.limitedLength) == [5, 4] && (0..<2).map(found.length) == [10, 7]
        )
    }

    @Test
    func `sources and targets are cut each to its own length`() throws {
        let base = try TinyModel("t5/v1_0").base
        let line = #"{"text": "the film is very good", "target": "a very very good film"}"#
        let found = try rows(base, [line], maxLength: 4, targetLength: 5)
        guard case .tokens(let targets) = found.targets else {
            Issue.record("no tokens")
            return
        }
        #expect(try words(targets.wanted, base) == "[CLS] a very very [SEP]")
        #expect(targets.byteCounts == ["a very very".utf8.count])
        #expect(found.limitedLength(0) == 4)
    }

    @Test(
        arguments: ["t5/v1_0", "t5/v1_1"],
        ["lora", "double_seq_bn[cross_adapter=true]", "full"]
    )
    func `a method learns to answer`(model: String, method: String) throws {
        let base = try TinyModel(model).base
        let rows = try rows(base, Seq2seqTests.lines)
        var options = TrainingOptions()
        (options.epochs, options.batchSize, options.workers) = (30, 2, 2)
        options.learningRate = 1e-2
        let trainer = try Trainer(
            base,
            method: AdapterRegistry.builtin.method(named: method),
            head: HeadConfiguration(.seq2seq, outputCount: base.shape.vocabularySize),
            labels: [],
            options: options
        )
        let before = try #require(try trainer.evaluate(rows)[.perplexity])
        let outcome = try trainer.run(on: rows, evaluation: rows)
        let after = try #require(outcome.epochs.last?.metrics?[.perplexity])
        #expect(after < 0.8 * before, "\(before) -> \(after)")
        let prefix = method == "full" ? "base." : "adapter."
        #expect(outcome.tensors.keys.allSatisfy { $0.hasPrefix(prefix) })
    }

    @Test
    func `a model writes the answers that it was taught`() throws {
        let base = try TinyModel("t5/v1_0").base
        var options = TrainingOptions()
        (options.epochs, options.batchSize, options.workers) = (120, 2, 2)
        options.learningRate = 3e-2
        let adapter = try base.train("lora[r=8]", on: data(Seq2seqTests.lines), options: options)
        #expect(adapter.head.kind == .seq2seq && adapter.labels.isEmpty)
        let folder = try TemporaryFolder()
        try adapter.write(to: folder.path + "/a")
        let bundle = try AdapterBundle(path: folder.path + "/a")
        #expect(bundle.reading == adapter.reading)
        let predictor = try Predictor(base, adapter: bundle)
        var writer = try TextWriter(base, adapter: predictor)
        writer.options.maxNewTokens = 8
        let prompts = Seq2seqTests.subjects.map { TextWriter.Prompt.text("the \($0) is") }
        let found = try writer(prompts)
        #expect(found.map(\.text) == Seq2seqTests.subjects.map { "very \($0)" })
        #expect(found.allSatisfy { $0.ending == .end })
        let metrics = try writer.metrics(data(Seq2seqTests.lines))
        #expect(metrics[.exactMatch] == 1 && metrics[.rougeL] == 1)
        #expect(abs(try #require(metrics[.chrf]) - 100) < 1e-9)
        // Frozen word embeddings this short let nothing be very likely.
        let likely = try predictor.answers(rows(base, Seq2seqTests.lines)).map {
            $0.scores[0].score
        }
        let other = [#"{"text": "the film is", "target": "very song"}"#]
        let unlikely = try predictor.answers(rows(base, other))[0].scores[0].score
        #expect(likely[0] > unlikely, "\(likely) \(unlikely)")
    }

    @Test
    func `an interrupted run goes on bit for bit, with the same bits from kept states`() throws {
        let base = try TinyModel("t5/v1_0").base
        let rows = try rows(base, Seq2seqTests.lines)
        func trainer() throws -> Trainer {
            var options = TrainingOptions()
            (options.epochs, options.batchSize, options.workers) = (4, 2, 2)
            return try Trainer(
                base,
                // Nothing acts in the encoder nor in the decoder's first block: there are states to keep.
                method: AdapterRegistry.builtin.method(
                    named: "prefix_tuning_flat[prefix_length=2,encoder_prefix=false,leave_out=[0]]"
                ),
                head: HeadConfiguration(.seq2seq, outputCount: base.shape.vocabularySize),
                labels: [],
                options: options
            )
        }
        let whole = try trainer().run(on: rows, evaluation: rows, trunkMemory: 0)
        let resumed = try outcome(interruptedAfter: 3, on: rows, trainer: trainer)
        try expectSame(resumed, whole)
    }

    @Test
    func `what cannot answer, and rows without an answer, are refused by name`() throws {
        let line = Seq2seqTests.lines[0]
        let llama = try TinyModel("llama/gqa").base
        let on = failure { _ = try rows(llama, [line]) }
        #expect(on.contains("a llama model writes a text on") && on.contains("'causal-lm'"))
        let bert = failure { _ = try rows(TinyModel().base, [line]) }
        #expect(bert.contains("a bert model writes no text, which 'seq2seq' needs"))
        let base = try TinyModel("t5/v1_0").base
        let unanswered = failure { _ = try rows(base, [line], target: nil) }
        #expect(unanswered.hasPrefix("rows.jsonl:1: the row has no text that answers it"))
        let missing = failure { _ = try rows(base, [#"{"text": "the film"}"#]) }
        #expect(missing.hasPrefix("rows.jsonl:1: no column 'target'"), "\(missing)")
    }
}
