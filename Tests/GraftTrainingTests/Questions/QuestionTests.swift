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

@Suite("Questions")
struct QuestionTests {
    /// What `Tools/reference/questions.py` writes.
    private struct Reference: Decodable {
        struct Case: Decodable {
            let max_length: Int
            let stride: Int
            let rows: [Row]
        }
        struct Row: Decodable {
            let question: String
            let context: String
            let answers: [Answer]
            let windows: [Window]
            let best: Best
            let best_or_none: Best
        }
        struct Answer: Decodable {
            let text: String
            let answer_start: Int
        }
        struct Window: Decodable {
            let ids: [Int32]
            let type_ids: [Int32]
            let span: [Int32]
            let starts: [Float]
            let ends: [Float]
        }
        struct Best: Decodable {
            let text: String
            let probability: Double
        }
        let cases: [Case]
    }

    private func reference() throws -> [Reference.Case] {
        let file = Fixture.folder.appending(path: "questions.json")
        return try JSONDecoder().decode(Reference.self, from: Data(contentsOf: file)).cases
    }

    private func dataset(_ rows: [Reference.Row]) throws -> Dataset {
        let rows = rows.enumerated().map { index, row in
            Row(
                id: .number(index),
                line: index + 1,
                text: row.question,
                pair: row.context,
                target: .spans(
                    row.answers.map { AnswerSpan(text: $0.text, start: $0.answer_start) }
                )
            )
        }
        let lines = rows.map { row in
            guard case .spans(let spans) = row.target else { return "" }
            let answers = spans.map { span in
                JSONValue.object([
                    .init("text", .string(span.text)), .init("answer_start", .integer(span.start)),
                ])
            }
            return JSONValue.object([
                .init("question", .string(row.text)), .init("context", .string(row.pair ?? "")),
                .init("answers", .array(answers)),
            ]).description
        }
        return try read(lines)
    }

    private func read(
        _ lines: [String],
        target: RowSchema.Target? = .spans
    ) throws -> Dataset {
        try Dataset(
            parsing: Array(lines.joined(separator: "\n").utf8),
            named: "rows.jsonl",
            schema: RowSchema(.question, target: target),
            format: .jsonLines
        )
    }

    private func reading(stride: Int, acceptsNoAnswer: Bool = false) -> ReadingOptions {
        var reading = ReadingOptions()
        (reading.stride, reading.acceptsNoAnswer) = (stride, acceptsNoAnswer)
        return reading
    }

    private func failure(_ body: () throws -> Void) -> String {
        do {
            try body()
            return ""
        } catch {
            return "\(error)"
        }
    }

    @Test(arguments: [false, true])
    func `windows, labels and answers equal the reference`(acceptsNoAnswer: Bool) throws {
        let base = try TinyModel().base
        let cases = try reference()
        #expect(cases.count == 4)
        for example in cases {
            let found = try base.encoded(
                dataset(example.rows),
                for: .questionAnswering,
                maxLength: example.max_length,
                reading: reading(stride: example.stride, acceptsNoAnswer: acceptsNoAnswer),
                labels: nil
            )
            let expected = example.rows.flatMap(\.windows)
            try #require(found.count == expected.count, "\(example.max_length)")
            guard case .spans(let spans) = found.targets else {
                Issue.record("no spans")
                return
            }
            for (index, window) in expected.enumerated() {
                let batch = try #require(try found.batch([index]) as? TokenBatch)
                #expect(try batch.ids.values() as [Int32] == window.ids)
                #expect([spans[index].first, spans[index].last] == window.span, "window \(index)")
            }
            let logits = expected.map { zip($0.starts, $0.ends).flatMap { [$0, $1] } }
            let answers = try #require(found.windows).answers(logits)
            for (answer, row) in zip(answers, example.rows) {
                let best = acceptsNoAnswer ? row.best_or_none : row.best
                #expect(answer.text == best.text)
                #expect(abs(answer.probability - best.probability) < 1e-5)
                let scalars = Array(row.context.unicodeScalars)
                let text = answer.characters.map { range in
                    String(String.UnicodeScalarView(scalars[range]))
                }
                #expect(text ?? "" == best.text && (text == nil) == best.text.isEmpty)
            }
        }
    }

    private static let lines = ["film", "book", "song", "play"].flatMap { subject in
        ["good", "bad", "great"].map { word in
            """
            {"question": "is the \(subject) good", "context": "alice was not in paris . the \(subject) is very \(word) \
            not bob , bob was in rome", "answers": {"text": ["\(word)"], "answer_start": \
            [\(38 + subject.count)]}}
            """
        }
    }

    @Test(arguments: ["bert/h16", "llama/gqa", "t5/v1_0"], [48, 16])
    func `a model finds what it was taught, in one window or in several`(
        model: String,
        maxLength: Int
    ) throws {
        let base = try TinyModel(model).base
        let unanswerable = ["a song", "a play"].map {
            #"{"question": "\#($0)", "context": "alice was not in paris", "answers": []}"#
        }
        let data = try read(QuestionTests.lines + unanswerable)
        var options = TrainingOptions()
        (options.epochs, options.batchSize, options.workers) = (60, 4, 2)
        options.learningRate = 1e-2
        // The windows of 16 tokens share few.
        let method = "lora[r=8,target_modules=all-linear]"
        var kind = HeadConfiguration(.questionAnswering, outputCount: 2)
        kind.pooling = base.shape.defaultPooling
        let reading = reading(stride: 2).suiting(data)
        #expect(reading.acceptsNoAnswer)
        let rows = try base.encoded(
            data,
            for: .questionAnswering,
            maxLength: maxLength,
            reading: reading,
            labels: nil
        )
        #expect(maxLength == 48 ? rows.count == data.count : rows.count > 2 * data.count)
        let trainer = try Trainer(
            base,
            method: AdapterRegistry.builtin.method(named: method),
            head: kind,
            labels: [],
            options: options
        )
        let outcome = try trainer.run(on: rows, evaluation: rows)
        let metrics = try #require(outcome.epochs.last?.metrics)
        #expect(try #require(metrics[.exactMatch]) > 0.85, "\(metrics)")
        #expect(try #require(metrics[.tokenF1]) >= metrics[.exactMatch] ?? 1)
        #expect(outcome.epochs[0].metrics?[.loss] ?? 0 > metrics[.loss] ?? 1)
    }

    @Test
    func `an adapter remembers how contexts were read`() throws {
        let base = try TinyModel().base
        var options = TrainingOptions()
        (options.epochs, options.workers) = (1, 1)
        let adapter = try base.train("lora", on: read(QuestionTests.lines), options: options)
        #expect(adapter.head.kind == .questionAnswering && adapter.readsPairs)
        let folder = try TemporaryFolder()
        try adapter.write(to: folder.path + "/a")
        let stored = try AdapterBundle(path: folder.path + "/a")
        #expect(stored.reading == adapter.reading && !stored.reading.acceptsNoAnswer)
        let predictor = try Predictor(base, adapter: stored)
        let asked = try read([QuestionTests.lines[0]], target: nil)
        let answers = try predictor.answers(predictor.encode(asked, labelled: false))
        let answer = try #require(answers.first)
        let scalars = Array(asked[0].pair.map { $0.unicodeScalars.map { $0 } } ?? [])
        let range = try #require(answer.span)
        #expect(String(String.UnicodeScalarView(scalars[range])) == answer.labels[0])
        #expect(answer.scores[0].score > 0 && answer.scores[0].score <= 1)
    }

    @Test(arguments: [
        (
            #"{"question": "a", "context": "b c", "answers": [{"text": "c", "answer_start": 1}]}"#,
            "the answer 'c' does not stand at character 1"
        ),
        (
            #"{"question": "a", "context": "b", "answers": [{"text": "", "start": 0}]}"#,
            "an answer of 'answers' is empty"
        ),
        (#"{"question": "a", "context": "b", "answers": [{"text": "b"}]}"#, "where it begins"),
        (
            #"{"question": "a", "context": "b", "answers": {"text": ["b"], "answer_start": []}}"#,
            "arrays 'text' and 'answer_start' of one length"
        ),
        (#"{"question": "a a a a a a", "context": "b", "answers": []}"#, "leaves no room"),
        (#"{"question": "a", "context": "b b b b b b b", "answers": []}"#, "--stride must be less"),
        (#"{"question": "a", "answers": []}"#, "no column 'context'"),
    ])
    func `rows that cannot be read are named`(line: String, problem: String) throws {
        let base = try TinyModel().base
        let found = failure {
            _ = try base.encoded(
                read([line]),
                for: .questionAnswering,
                maxLength: 9,
                reading: reading(stride: 8),
                labels: nil
            )
        }
        #expect(found.hasPrefix("rows.jsonl:1: ") && found.contains(problem), "\(found)")
    }
}
