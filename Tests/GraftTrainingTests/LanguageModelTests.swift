import Foundation
import GraftAdapters
import GraftData
import GraftModels
import GraftTestSupport
import GraftText
import GraftTorch
import GraftTraining
import Testing

@Suite("Language models")
struct LanguageModelTests {
    private func data(_ lines: [String]) throws -> Dataset {
        try Dataset(
            parsing: Array(lines.joined(separator: "\n").utf8),
            named: "rows.jsonl",
            schema: RowSchema(.writing, target: .text),
            format: .jsonLines
        )
    }

    private func rows(
        _ base: BaseModel,
        _ lines: String...,
        maxLength: Int = 32
    ) throws -> EncodedRows {
        try base.encoded(data(lines), for: .causalLM, maxLength: maxLength, labels: nil)
    }

    /// What is wanted behind each token, as words; a dot where nothing is.
    private func wanted(_ rows: EncodedRows, _ base: BaseModel) throws -> String {
        guard case .tokens(let targets) = rows.targets else { return "no tokens" }
        return try targets.wanted.map { id in
            id < 0 ? "." : try #require(base.tokenizer.token(of: id))
        }.joined(separator: " ")
    }

    private func failure(_ body: () throws -> Void) -> String {
        do {
            try body()
            return ""
        } catch {
            return "\(error)"
        }
    }

    /// The word that ends texts of the tiny models is number 7, `fine`.
    @Test
    func `every token of a text is to be written, of a completion it and its end`() throws {
        let base = try TinyModel("llama/gqa").base
        #expect(try base.endTokens() == [7])
        let text = try rows(base, #"{"text": "the film is"}"#)
        #expect(try wanted(text, base) == "the film is [SEP] .")
        let completion = try rows(base, #"{"prompt": "the film", "completion": " is good"}"#)
        #expect(try wanted(completion, base) == ". . is good [SEP] fine .")
        guard case .tokens(let targets) = completion.targets else { return }
        #expect(targets.byteCounts == [" is good".utf8.count])
        #expect(targets.count(0) == 4)
    }

    @Test
    func `of a conversation the assistant's answers are to be written`() throws {
        let base = try TinyModel("llama/gqa").base
        let template = """
            {% for m in messages %}{% if m.role == 'assistant' %}is {{ m.content }} film {% else %}\
            the {{ m.content }} {% endif %}{% endfor %}{% if add_generation_prompt %}is {% endif %}
            """
        let lines = [
            #"{"messages": [{"role": "user", "content": "book"}, {"role": "assistant", "content": "good"}, "#
                + #"{"role": "user", "content": "song"}, {"role": "assistant", "content": "bad"}]}"#
        ]
        let missing = failure {
            _ = try base.encoded(data(lines), for: .causalLM, maxLength: 32, labels: nil)
        }
        #expect(missing.hasPrefix("rows.jsonl:1: the model has no chat template"))
        try Data(template.utf8).write(to: URL(filePath: base.path + "/chat_template.jinja"))
        let found = try base.encoded(data(lines), for: .causalLM, maxLength: 32, labels: nil)
        // The template writes: the book is good film the song is bad film
        #expect(try wanted(found, base) == ". . good film . . . bad film .")
    }

    @Test(arguments: [
        (#"{"prompt": "the film is very good", "completion": "bad"}"#, "nothing is left to learn"),
        (#"{"messages": [{"role": "user"}]}"#, "needs one 'content'"),
        (#"{"messages": [{"role": "user", "content": "a", "name": "b"}]}"#, "has 'name'"),
        (#"{"messages": []}"#, "'messages' is empty"),
        (#"{"prompt": "the film"}"#, "no column 'completion'"),
    ])
    func `rows of which nothing can be learned are named`(line: String, problem: String) throws {
        let base = try TinyModel("llama/gqa").base
        let found = failure { _ = try rows(base, line, maxLength: 5) }
        #expect(found.hasPrefix("rows.jsonl:1: ") && found.contains(problem), "\(found)")
    }

    private static let lines = ["film", "book", "song", "play"].flatMap { subject in
        ["good", "bad", "great"].map { word in
            #"{"prompt": "the \#(subject) is", "completion": " very \#(word)"}"#
        }
    }

    private func makeTrainer(_ base: BaseModel, _ method: String, workers: Int = 1) throws
        -> Trainer
    {
        var options = TrainingOptions()
        (options.epochs, options.batchSize, options.workers) = (4, 4, workers)
        options.learningRate = 1e-2
        return try Trainer(
            base,
            method: AdapterRegistry.builtin.method(named: method),
            head: HeadConfiguration(.causalLM, outputCount: base.shape.vocabularySize),
            labels: [],
            options: options
        )
    }

    @Test(arguments: [
        ("llama/gqa", "lora"), ("gpt2/tied", "lora"), ("gpt2/tied", "seq_bn_inv"),
        ("llama/gqa", "prompt_tuning"), ("llama/tied", "prefix_tuning"), ("llama/gqa", "full"),
        ("gpt2/untied", "full"), ("qwen2/window", "double_seq_bn"),
    ])
    func `a method learns to write, and nothing but it is trained`(
        model: String,
        method: String
    ) throws {
        let base = try TinyModel(model).base
        let rows = try base.encoded(
            data(LanguageModelTests.lines),
            for: .causalLM,
            maxLength: 32,
            labels: nil
        )
        let trainer = try makeTrainer(base, method)
        let before = try trainer.evaluate(rows)
        let outcome = try trainer.run(on: rows, evaluation: rows)
        let after = try #require(outcome.epochs.last?.metrics)
        let prefix = method == "full" ? "base." : "adapter."
        #expect(outcome.tensors.keys.allSatisfy { $0.hasPrefix(prefix) })
        let (first, last) = (
            try #require(before[.perplexity]), try #require(after[.perplexity])
        )
        #expect(last < first, "\(first) -> \(last)")
        let loss = try #require(after[.loss])
        #expect(abs(log(last) - loss) < 1e-5)
        // " very good [SEP]" and the end token: four tokens of ten to eleven bytes.
        guard case .tokens(let targets) = rows.targets else { return }
        let tokens = (0..<rows.count).reduce(0) { $0 + targets.count($1) }
        let bits = loss * Double(tokens) / log(2) / Double(targets.byteCounts.reduce(0, +))
        #expect(abs(try #require(after[.bitsPerByte]) - bits) < 1e-5)
    }

    @Test
    func `an interrupted run goes on bit for bit`() throws {
        let base = try TinyModel("gpt2/tied").base
        let rows = try base.encoded(
            data(LanguageModelTests.lines),
            for: .causalLM,
            maxLength: 32,
            labels: nil
        )
        func trainer() throws -> Trainer { try makeTrainer(base, "seq_bn", workers: 2) }
        let whole = try trainer().run(on: rows, evaluation: rows)
        let resumed = try outcome(interruptedAfter: 5, on: rows, trainer: trainer)
        try expectSame(resumed, whole)
    }

    @Test
    func `the states below what is trained may be kept`() throws {
        let base = try TinyModel("llama/gqa").base
        let rows = try base.encoded(
            data(LanguageModelTests.lines),
            for: .causalLM,
            maxLength: 32,
            labels: nil
        )
        let method = "lora[leave_out=[0]]"
        let kept = try makeTrainer(base, method).run(on: rows, evaluation: rows)
        let anew = try makeTrainer(base, method).run(on: rows, evaluation: rows, trunkMemory: 0)
        #expect(kept.steps == anew.steps && kept.epochs == anew.epochs)
    }

    @Test
    func `models that write no text are refused by name`() throws {
        let base = try TinyModel().base
        let found = failure { _ = try makeTrainer(base, "lora") }
        #expect(found.contains("a bert model writes no text") && found.contains("causal-lm"))
        let pairs = try TinyModel("t5/v1_0").base
        let other = failure { _ = try makeTrainer(pairs, "lora") }
        #expect(other.contains("a t5 model answers a text with another, and 'causal-lm'"))
        #expect(other.contains("the task 'seq2seq'"))
    }
}
