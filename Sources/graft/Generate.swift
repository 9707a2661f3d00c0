internal import ArgumentParser
internal import Foundation
internal import GraftData
internal import GraftModels
internal import GraftTraining

/// The command `graft generate`.
struct Generate: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "generate",
        abstract: "Write texts on, or answer texts and conversations, with trained adapters.",
        discussion: """
            One text is written to the standard output as it comes:

              graft generate --model TinyLlama --adapter runs/poet --text 'Shall I compare thee' --temperature 0.8

            Of several texts, or of rows, each gets a JSON object. Rows have a column 'text', 'prompt' or 'messages'; \
            messages, and texts with --chat, are written as the model's chat template says:

              graft generate --model TinyLlama --data questions.jsonl --output answers.jsonl

              {"id": 7, "text": "It is raining.", "tokens": 5, "ending": "end"}

            A T5 or mT5 model answers each text with another; a text is cut as its adapter's training cut it.

            At temperature 0 the likeliest token is taken, and with --beams the likeliest sequence is searched for. What is \
            drawn depends on --seed and the row alone.
            """
    )

    @OptionGroup var model: ModelOptions

    @Option(
        help: ArgumentHelp(
            "An adapter's folder, or a composition of such (default: the frozen model).",
            valueName: "folder"
        )
    )
    var adapter: String?

    @Option(name: .customLong("data"), help: ArgumentHelp("The rows.", valueName: "file"))
    var file: String?

    @Option(name: .customLong("text"), help: "A text; may be given several times.")
    var texts: [String] = []

    @Flag(help: "Take texts for what a user says, and answer them.")
    var chat = false

    @OptionGroup var rowLimit: RowLimit

    @Option(
        help: ArgumentHelp("Where to write rows (default: the standard output).", valueName: "file")
    )
    var output: String?

    @OptionGroup(title: "Generation") var settings: GenerationSettings
    @OptionGroup var adapterOptions: AdapterOptions
    @OptionGroup(title: "Data") var data: DataOptions
    @OptionGroup(title: "Output") var common: CommonOptions

    func validate() throws {
        guard (file == nil) != texts.isEmpty else {
            throw ValidationError("give either --data or --text")
        }
        try rowLimit.check(file: file)
        guard !chat || file == nil else {
            throw ValidationError("--chat goes with --text; rows have a column 'messages'")
        }
    }

    func run() throws {
        let output = try OutputFile.checked(output)
        let base = try model.load()
        let predictor = try adapter.map { try adapterOptions.predictor($0, on: base) }
        let writer = try settings.writer(base, predictor)
        let rows = try rows(remembered: predictor?.bundle.columnNames ?? ColumnNames())
        let prompts = rows.map(prompt)
        guard texts.count != 1 || common.json || output != nil else {
            // Text comes from one row alone, one piece after another.
            _ = try writer(
                prompts,
                onText: { _, text in Console.piece(text) },
                place: { _ in "--text" }
            )
            Console.piece("\n")
            return
        }
        let sink = try output.map { try RowWriter(path: $0) } ?? RowWriter()
        // Batch by batch, so that what is done is not lost when a later row fails.
        for first in stride(from: 0, to: rows.count, by: settings.rowsAtOnce) {
            let part = first..<min(first + settings.rowsAtOnce, rows.count)
            let answers = try writer(
                Array(prompts[part]),
                firstKey: first,
                place: { rows.place(of: rows[first + $0]) }
            )
            for (row, answer) in zip(part, answers) {
                try sink.write(
                    .object([
                        .init("id", rows[row].id.json), .init("text", .string(answer.text)),
                        .init("tokens", .integer(answer.tokenCount)),
                        .init("ending", .string(answer.ending.rawValue)),
                    ])
                )
            }
            try sink.flush()
        }
        try sink.finish()
    }

    private func rows(remembered: ColumnNames) throws -> Dataset {
        guard let file else { return try DataOptions.rows(texts, for: .causalLM) }
        return try data.readPrompts(file, limit: rowLimit.limit, remembered: remembered)
    }

    private func prompt(_ row: Row) -> TextWriter.Prompt {
        chat ? .messages([RowMessage(role: "user", content: row.text)]) : TextWriter.Prompt(row)
    }
}

/// How tokens are chosen.
struct GenerationSettings: ParsableArguments {
    @Option(help: "The most tokens that are written.")
    var maxNewTokens = 128

    @Option(
        help:
            "What scores are divided by before a token is drawn; 0 takes the likeliest (default: 0, with --top-k or --top-p 1)."
    )
    var temperature: Double?

    @Option(help: "Draw from so many of the likeliest tokens.")
    var topK: Int?

    @Option(
        help: "Draw from the likeliest tokens that have this share of the probability together."
    )
    var topP: Double?

    @Option(help: "What scores of tokens that are there already are divided by.")
    var repetitionPenalty = 1.0

    @Option(help: "Search for the likeliest sequence with so many kept at a time.")
    var beams = 1

    @Option(help: "The power of its length that a found sequence's score is divided by.")
    var lengthPenalty = 1.0

    @Option(help: "End a row at this text, which is left out; may be given several times.")
    var stop: [String] = []

    @Option(help: "What draws.")
    var seed: UInt64 = 0

    @Option(help: "Rows that are written on at once.")
    var batch = 8

    /// The first option that was asked for, or `nil` if none was.
    var given: String? {
        get throws {
            let defaults = try GenerationSettings.parse([]).values
            return zip(values, defaults).first { $0.value != $1.value }?.0.option
        }
    }

    private var values: [(option: String, value: String)] {
        [
            ("--max-new-tokens", "\(maxNewTokens)"),
            ("--temperature", "\(temperature as Any)"),
            ("--top-k", "\(topK as Any)"), ("--top-p", "\(topP as Any)"),
            ("--repetition-penalty", "\(repetitionPenalty)"),
            ("--beams", "\(beams)"), ("--length-penalty", "\(lengthPenalty)"),
            ("--stop", "\(stop)"), ("--seed", "\(seed)"), ("--batch", "\(batch)"),
        ]
    }

    /// Rows between two writings of results.
    var rowsAtOnce: Int { batch * Workers.cores }

    /// What writes as the user asked.
    ///
    /// - Parameters:
    ///   - base: The frozen model.
    ///   - predictor: An adapter on it.
    /// - Returns: A writer.
    /// - Throws: An error naming the model's family or the adapter's task if it writes no texts.
    func writer(_ base: BaseModel, _ predictor: Predictor?) throws -> TextWriter {
        var writer = try TextWriter(base, adapter: predictor)
        writer.options.maxNewTokens = maxNewTokens
        writer.options.temperature = temperature ?? (topK == nil && topP == nil ? 0 : 1)
        writer.options.topK = topK
        writer.options.topP = topP
        writer.options.repetitionPenalty = repetitionPenalty
        writer.options.beams = beams
        writer.options.lengthPenalty = lengthPenalty
        writer.options.seed = seed
        writer.stops = stop
        writer.batchSize = batch
        return writer
    }

    func validate() throws {
        try checkCounts(["batch": batch])
        guard batch <= 1 << 16 else {
            throw ValidationError("--batch must be at most 65,536, found \(batch)")
        }
    }
}
