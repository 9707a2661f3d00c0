internal import ArgumentParser
internal import GraftData
internal import GraftFormats
internal import GraftLayers
internal import GraftModels
internal import GraftTorch
internal import GraftTraining
internal import Logging

/// The command `graft encode`.
struct Encode: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "encode",
        abstract: "Write the hidden states of rows as safetensors.",
        discussion: """
            A row is a text or, of a model that reads pictures, a picture. Without --pool the file has a tensor last_hidden_state.<row> of [tokens, hidden] for each row, counted \
            from 0; with it, one tensor 'embeddings' of [rows, hidden].

              graft encode --model MiniLM --data rows.jsonl --pool mean --normalize --output rows.safetensors

            The vectors that CLIP compares, of pictures and of texts:

              graft encode --model clip --data pictures --project --normalize --output pictures.safetensors
              graft encode --model clip --data texts.jsonl --texts --project --normalize --output texts.safetensors
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

    @Option(
        name: .customLong("data"),
        help: ArgumentHelp(
            "The rows: a file; for pictures also a folder, a tar archive or an IDX file.",
            valueName: "file"
        )
    )
    var file: String

    @OptionGroup var rowLimit: RowLimit

    @Option(help: ArgumentHelp("The file to write.", valueName: "file.safetensors"))
    var output: String

    @Option(help: "Make one vector of a row: of its first or last token, or the mean of all.")
    var pool: RowPooling?

    @Flag(
        help:
            "Make the vector of a row that a CLIP model compares: of a picture, or with --texts of a text."
    )
    var project = false

    @Flag(help: "With --project, read texts instead of pictures.")
    var texts = false

    @Flag(help: "Scale pooled vectors to length 1.")
    var normalize = false

    @Option(help: "The longest row in tokens (default: the adapter's, or the model's positions).")
    var maxLength: Int?

    @Flag(help: "Read rows of words, as for tagging.")
    var words = false

    @OptionGroup var adapterOptions: AdapterOptions
    @OptionGroup(title: "Data") var data: RowOptions
    @OptionGroup(title: "Output") var common: CommonOptions

    func validate() throws {
        guard !normalize || pool != nil || project else {
            throw ValidationError("--normalize needs --pool or --project")
        }
        guard !project || pool == nil else {
            throw ValidationError("give either --pool or --project")
        }
        guard !texts || project else { throw ValidationError("--texts needs --project") }
    }

    func run() throws {
        _ = try OutputFile.checked(output)
        let base = try model.load()
        let isCausal = base.shape.isCausal && !(base.encoder is any EncoderDecoder)
        guard pool != .cls || !isCausal else {
            throw CommandError(
                "--pool cls reads the first token, which in a \(base.shape.family) model has seen no other",
                hint: "--pool last or mean"
            )
        }
        let predictor = try adapter.map { try adapterOptions.predictor($0, on: base) }
        let encoded = try project ? projected(base, predictor) : states(base, predictor)
        let (rows, width, speed) = (encoded.rowCount, encoded.width, encoded.speed)
        for tensor in encoded.tensors.values {
            guard try tensor.isFinite else {
                throw CommandError(
                    "\(file): the vectors are not finite, so nothing is written",
                    hint: "the model's weights are damaged, or too large for --dtype"
                )
            }
        }
        try TensorFile(encoded.tensors, metadata: ["format": "pt"]).write(to: output)
        if common.json {
            Console.out(
                .object([
                    .init("output", .string(output)),
                    .init("rows", .integer(rows)),
                    .init("broken_rows", .integer(encoded.brokenCount)),
                    .init("tokens", encoded.tokenCount.map { .integer($0) } ?? .null),
                    .init("hidden_size", .integer(width)),
                    .init("encode_seconds", .number(speed.seconds)),
                    .init("examples_per_second", .number(speed.rowsPerSecond)),
                ])
            )
        } else {
            Console.out("\(output): \(Figures.count(rows)) rows of \(width) in \(speed.text)")
        }
    }

    /// What was computed, of what, and how fast.
    private struct Encoded {
        let tensors: [String: Tensor]
        let rowCount: Int
        /// `nil` where nobody counted them.
        let tokenCount: Int?
        let brokenCount: Int
        let width: Int
        let speed: Stopwatch.Speed
    }

    /// Hidden states, pooled or not.
    private func states(_ base: BaseModel, _ predictor: Predictor?) throws -> Encoded {
        let longest = try longestRow(predictor?.bundle, of: base)
        let kind: HeadKind = words ? .tagging : .classification
        let read = try self.read(base, kind, predictor)
        let rows = try base.encoded(read, maxLength: longest, kind: kind, labels: nil)
        let reader =
            maxLength != nil ? "--max-length" : predictor == nil ? "the model" : "the adapter"
        common.warn(CutRows.warning(rows, limit: longest, path: file, of: reader))
        // Of an encoder and a decoder, the states of the one that reads the rows.
        let tower = predictor?.model.encoder ?? base.encoder
        let states = HiddenStates(
            encoder: (tower as? any EncoderDecoder)?.encoder ?? tower,
            hiddenSize: base.shape.hiddenSize,
            adapters: predictor?.model.adapters ?? SiteAdapters(),
            device: base.device
        )
        let clock = Stopwatch()
        try base.pack(for: rows)
        let tensors =
            try pool.map {
                ["embeddings": try states.pooled(rows, $0.pooling, normalize: normalize)]
            }
            ?? states.byRow(rows)
        return Encoded(
            tensors: tensors,
            rowCount: rows.count,
            tokenCount: rows.tokenCount,
            brokenCount: read.broken.count,
            width: base.shape.hiddenSize,
            speed: clock.speed(rows.count)
        )
    }

    /// Places in the space that images and texts share.
    private func projected(_ base: BaseModel, _ predictor: Predictor?) throws -> Encoded {
        let encoder = try ImageTextEncoder(base, adapter: predictor)
        let (clock, places, broken): (Stopwatch, Tensor, Int)
        if texts {
            let rows = try data.columns.readTexts(file, limit: rowLimit.limit)
            clock = Stopwatch()
            (places, broken) = (try encoder.texts(rows.map(\.text)), 0)
        } else {
            let read = try self.read(base, .classification, nil)
            let rows = try base.encoded(
                read,
                maxLength: 1,
                kind: .classification,
                labels: nil
            )
            clock = Stopwatch()
            (places, broken) = (try encoder.images(rows), read.broken.count)
        }
        return Encoded(
            tensors: ["embeddings": normalize ? try places.unitRows() : places],
            rowCount: places.size(0),
            tokenCount: nil,
            brokenCount: broken,
            width: places.size(1),
            speed: clock.speed(places.size(0))
        )
    }

    private func read(
        _ base: BaseModel,
        _ kind: HeadKind,
        _ predictor: Predictor?
    ) throws -> TaskRows {
        let rows = try data.read(
            file,
            for: kind,
            on: base,
            labelled: false,
            limit: rowLimit.limit,
            remembered: predictor?.bundle.columnNames ?? ColumnNames()
        )
        common.warn(rows.warning)
        return rows
    }

    /// The most tokens of a text; a picture always has as many.
    private func longestRow(_ bundle: AdapterBundle?, of base: BaseModel) throws -> Int {
        guard !base.readsImages else {
            guard !words, maxLength == nil else {
                throw ValidationError(
                    "--words and --max-length are of texts, and this model reads pictures"
                )
            }
            return try base.imageTower.tokensPerImage
        }
        return try maxLength.map { try TrainingSettings.checked($0, on: base) }
            ?? bundle?.maxLength ?? base.shape.positions
    }
}

/// How a row's hidden states become one vector.
enum RowPooling: String, CaseIterable, ExpressibleByArgument {
    /// That of the first token.
    case cls
    /// That of the last token, which in a causal model has seen all.
    case last
    /// The mean of all.
    case mean

    /// What heads call it.
    var pooling: Pooling {
        switch self {
        case .cls: .first
        case .last: .last
        case .mean: .mean
        }
    }
}
