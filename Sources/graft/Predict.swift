internal import ArgumentParser
internal import GraftData
internal import GraftFormats
internal import GraftModels
internal import GraftTraining

/// The command `graft predict`.
struct Predict: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "predict",
        abstract: "Answer for rows or texts with trained adapters.",
        discussion: """
            Prints a JSON object a row:

              graft predict --model MiniLM --adapter runs/urgency --data new.jsonl --output answers.jsonl

              {"id": 7, "label": "high", "scores": {"high": 0.93, "low": 0.02, "normal": 0.05}}

            Several adapters share the model, and --table prints what they say side by side:

              graft predict --model MiniLM --adapter runs/queue --adapter runs/urgency --table \
            --text 'The site is down!'

            Adapters act together as 'stack(a,b)', 'average[weights=[3,1]](a,b)' or 'split[lengths=[8]](a,b)' say; one \
            head answers. Columns have the names that training read, unless others are given.
            """
    )

    @OptionGroup var model: ModelOptions

    @Option(
        name: .customLong("adapter"),
        help: ArgumentHelp(
            "An adapter's folder, or a composition of such: 'stack(a,b)'; may be given several times.",
            valueName: "folder"
        )
    )
    var adapters: [String]

    @Option(name: .customLong("data"), help: ArgumentHelp("The rows.", valueName: "file"))
    var file: String?

    @Option(name: .customLong("text"), help: "A text; may be given several times.")
    var texts: [String] = []

    @Flag(help: "Print logits too.")
    var logits = false

    @Flag(help: "Print a table for people: a line a row, a column an adapter.")
    var table = false

    @Option(
        help: ArgumentHelp("Where to write (default: the standard output).", valueName: "file")
    )
    var output: String?

    @OptionGroup var adapterOptions: AdapterOptions
    @OptionGroup(title: "Data") var data: DataOptions
    @OptionGroup(title: "Output") var common: CommonOptions

    func validate() throws {
        guard (file == nil) != texts.isEmpty else {
            throw ValidationError("give either --data or --text")
        }
        guard !adapters.isEmpty else { throw ValidationError("missing --adapter") }
        guard !table || (!common.json && output == nil) else {
            throw ValidationError("--table goes with neither --json nor --output")
        }
    }

    func run() throws {
        let output = try OutputFile.checked(output)
        let base = try model.load()
        let predictors = try adapters.map { (name: $0, try adapterOptions.predictor($0, on: base)) }
        let answered = try predictors.map { name, predictor in
            let kind = predictor.bundle.head.kind
            let rows =
                try file.map {
                    try data.read(
                        $0,
                        for: kind,
                        labelled: false,
                        remembered: predictor.bundle.columnNames
                    )
                }
                ?? DataOptions.rows(texts, for: kind)
            let encoded = try predictor.encode(rows, labelled: false)
            return AnsweredRows(
                adapter: name,
                kind: kind,
                rows: rows,
                answers: try predictor.answers(encoded)
            )
        }
        if table {
            Console.out(AnsweredRows.table(answered).text)
            return
        }
        let writer = try output.map { try RowWriter(path: $0) } ?? RowWriter()
        for part in answered {
            for row in part.rows.indices {
                let name = answered.count > 1 ? part.adapter : nil
                try writer.write(part.json(row, adapter: name, logits: logits))
            }
        }
        try writer.finish()
    }
}
