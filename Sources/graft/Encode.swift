internal import ArgumentParser
internal import GraftData
internal import GraftFormats
internal import GraftLayers
internal import GraftModels
internal import GraftTraining

/// The command `graft encode`.
struct Encode: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "encode",
        abstract: "Write the hidden states of rows as safetensors.",
        discussion: """
            Without --pool the file has a tensor last_hidden_state.<row> of [tokens, hidden] for each row, counted \
            from 0; with it, one tensor 'embeddings' of [rows, hidden].

              graft encode --model MiniLM --data rows.jsonl --pool mean --normalize --output rows.safetensors
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
    var file: String

    @Option(help: ArgumentHelp("The file to write.", valueName: "file.safetensors"))
    var output: String

    @Option(help: "Make one vector of a row: of its first token, or the mean of all.")
    var pool: RowPooling?

    @Flag(help: "Scale pooled vectors to length 1.")
    var normalize = false

    @Option(help: "The longest row in tokens (default: the adapter's, or the model's positions).")
    var maxLength: Int?

    @Flag(help: "Read rows of words, as for tagging.")
    var words = false

    @OptionGroup var adapterOptions: AdapterOptions
    @OptionGroup(title: "Data") var data: DataOptions
    @OptionGroup(title: "Output") var common: CommonOptions

    func validate() throws {
        guard !normalize || pool != nil else { throw ValidationError("--normalize needs --pool") }
    }

    func run() throws {
        _ = try OutputFile.checked(output)
        let base = try model.load()
        let predictor = try adapter.map { try adapterOptions.predictor($0, on: base) }
        let longest = maxLength ?? predictor?.bundle.maxLength ?? base.shape.positions
        guard (1...base.shape.positions).contains(longest) else {
            throw ValidationError("--max-length must be in 1 ... \(base.shape.positions)")
        }
        let rows = try EncodedRows(
            data.readTexts(
                file,
                split: words,
                remembered: predictor?.bundle.columnNames ?? ColumnNames()
            ),
            tokenizer: base.tokenizer,
            maxLength: longest,
            kind: words ? .tagging : .classification,
            labels: nil
        )
        let states = HiddenStates(
            encoder: predictor?.model.encoder ?? base.encoder,
            hiddenSize: base.shape.hiddenSize,
            adapters: predictor?.model.adapters ?? SiteAdapters(),
            device: base.device
        )
        let clock = Stopwatch()
        let tensors =
            try pool.map { ["embeddings": try states.pooled(rows, $0, normalize: normalize)] }
            ?? states.byRow(rows)
        let speed = clock.speed(rows.count)
        try TensorFile(tensors, metadata: ["format": "pt"]).write(to: output)
        if common.json {
            Console.out(
                .object([
                    .init("output", .string(output)),
                    .init("rows", .integer(rows.count)),
                    .init("tokens", .integer(rows.tokenCount)),
                    .init("hidden_size", .integer(base.shape.hiddenSize)),
                    .init("encode_seconds", .number(speed.seconds)),
                    .init("examples_per_second", .number(speed.rowsPerSecond)),
                ])
            )
        } else {
            let size = "\(Figures.count(rows.count)) rows of \(base.shape.hiddenSize)"
            Console.out("\(output): \(size) in \(speed.text)")
        }
    }
}

/// How a row's hidden states become one vector.
enum RowPooling: String, CaseIterable, ExpressibleByArgument {
    /// That of the first token.
    case cls
    /// The mean of all.
    case mean
}
