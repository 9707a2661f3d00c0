import Foundation
import GraftAdapters
import GraftData
import GraftFormats
import GraftModels
import GraftTestSupport
import GraftText
import GraftTorch
import GraftTraining
import Synchronization
import Testing

@Suite("Writing texts")
struct TextWriterTests {
    private static let prompts: [TextWriter.Prompt] = [
        .text("the film is"), .text("the book was very"), .text("a song"),
    ]

    /// A writer of eight tokens, which nothing ends before.
    private func writer(_ base: BaseModel, _ stops: [String] = []) throws -> TextWriter {
        var writer = try TextWriter(base)
        #expect(writer.options.endTokens == [7])
        (writer.options.maxNewTokens, writer.options.endTokens) = (8, [])
        writer.stops = stops
        return writer
    }

    @Test(arguments: ["llama/gqa", "gpt2/tied"])
    func `the pieces of a text are the text, whatever is written beside it`(name: String) throws {
        let base = try TinyModel(name).base
        var writer = try writer(base)
        let pieces = Mutex<[Int: String]>([:])
        let answers = try writer(TextWriterTests.prompts) { row, text in
            pieces.withLock { $0[row, default: ""] += text }
        }
        let found = pieces.withLock(\.self)
        for (row, answer) in answers.enumerated() {
            #expect(found[row, default: ""] == answer.text)
            #expect(answer.tokenCount == 8 && answer.ending == .length)
        }
        writer.batchSize = 1
        #expect(try writer(TextWriterTests.prompts) == answers)
    }

    @Test
    func `a stop string ends a row and is left out, wherever its tokens part`() throws {
        let base = try TinyModel("llama/gqa").base
        let whole = try writer(base)([TextWriterTests.prompts[0]])[0].text
        let bytes = Array(whole.utf8)
        #expect(bytes.count > 12)
        // From the middle of a word to the middle of a later one.
        for (start, end) in [(3, 5), (4, 9), (1, bytes.count)] {
            let stop = String(decoding: bytes[start..<end], as: UTF8.self)
            let pieces = Mutex("")
            let answer = try writer(base, ["never there", stop])([TextWriterTests.prompts[0]]) {
                _,
                text in
                pieces.withLock { $0 += text }
            }[0]
            let place = try #require(whole.range(of: stop)?.lowerBound)
            #expect(answer.text == String(whole[..<place]), "\(stop)")
            #expect(answer.ending == .stop && pieces.withLock(\.self) == answer.text)
        }
        // What only begins like one is given out in the end.
        let similar = whole.suffix(3) + "~"
        let answer = try writer(base, [String(similar)])([TextWriterTests.prompts[0]])[0]
        #expect(answer.text == whole && answer.ending == .length)
    }

    @Test
    func `a model writes what it was taught`() throws {
        let base = try TinyModel("llama/gqa").base
        let lines = ["film", "book", "song", "play"].map {
            #"{"prompt": "the \#($0) is", "completion": " very \#($0)"}"#
        }
        let data = try Dataset(
            parsing: Array(lines.joined(separator: "\n").utf8),
            named: "rows",
            schema: RowSchema(.writing, target: .text),
            format: .jsonLines
        )
        var options = TrainingOptions()
        (options.epochs, options.batchSize, options.workers) = (150, 4, 1)
        options.learningRate = 3e-2
        let method = "lora[r=8,target_modules=all-linear]"
        let adapter = try base.train(method, on: data, options: options)
        #expect(adapter.head.kind == .causalLM && adapter.labels.isEmpty)
        let folder = try TemporaryFolder()
        try adapter.write(to: folder.path + "/a")
        let predictor = try Predictor(base, adapter: AdapterBundle(path: folder.path + "/a"))
        var writer = try TextWriter(base, adapter: predictor)
        writer.options.maxNewTokens = 8
        let found = try writer(["film", "book", "song", "play"].map { .text("the \($0) is") })
        #expect(found.map(\.text) == [" very film", " very book", " very song", " very play"])
        #expect(found.allSatisfy { $0.ending == .end })
    }

    @Test
    func `a conversation is answered through the template, or refused without one`() throws {
        let base = try TinyModel("gpt2/tied").base
        let writer = try writer(base)
        let question = RowMessage(role: "user", content: "film")
        #expect(throws: TrainingError.self) { try writer([.messages([question])]) }
        try Data(
            """
            {% for m in messages %}the {{ m.content }} {% endfor %}\
            {% if add_generation_prompt %}is{% endif %}
            """.utf8
        ).write(to: URL(filePath: base.path + "/chat_template.jinja"))
        let tokenizer = try base.tokenizer
        let words = try writer.tokens(of: .messages([question])).map { tokenizer.token(of: $0) }
        #expect(words == ["the", "film", "is"])
        #expect(
            try writer.tokens(of: .text("the film")).map { tokenizer.token(of: $0) } == [
                "[CLS]", "the", "film",
            ]
        )
        let answered = RowMessage(role: "assistant", content: "good")
        #expect(throws: TrainingError.self) {
            try writer.tokens(of: .messages([question, answered]))
        }
    }

    @Test
    func `what cannot write is refused by name`() throws {
        let bert = #expect(throws: (any Error).self) { try TextWriter(TinyModel().base) }
        #expect("\(String(describing: bert))".contains("a bert model writes no text"))
        let base = try TinyModel("llama/gqa").base
        var options = TrainingOptions()
        (options.epochs, options.workers) = (1, 1)
        let adapter = try base.train(
            "lora",
            on: TinyTask.classification.dataset(),
            options: options
        )
        let error = #expect(throws: TrainingError.self) {
            try TextWriter(base, adapter: Predictor(base, adapter: adapter))
        }
        #expect(error?.description.contains("trained for classification") == true)
    }
}
