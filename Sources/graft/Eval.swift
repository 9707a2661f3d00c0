internal import ArgumentParser
internal import GraftData
internal import GraftFormats
internal import GraftModels
internal import GraftTraining
internal import Logging

/// The command `graft eval`.
struct Eval: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "eval",
        abstract: "Score an adapter on labelled rows.",
        discussion: """
            Rows are read as in training, from columns of the same names unless others are given; a label that the \
            adapter does not know is an error.

              graft eval --model MiniLM --adapter runs/urgency --data eval.jsonl

            Of tasks that write (causal-lm, seq2seq), --generate writes an answer for each row and scores it against \
            the row's own:

              graft eval --model t5-small --adapter runs/german --data test.jsonl --generate --beams 4

            Models that write are scored without an adapter too, to see what training gains.

              graft eval --model TinyLlama --data test.jsonl

            So is a CLIP model, with or without an adapter of --task image-text: on rows of pictures with captions, by \
            how well they find each other, or with --zero-shot, by the names of classes.

              graft eval --model clip --data captions.jsonl
              graft eval --model clip --data flowers/test --zero-shot --template 'a photo of a {}, a flower.'
            """
    )

    @OptionGroup var model: ModelOptions

    @Option(
        help: ArgumentHelp(
            "The adapter's folder, or a composition of such: 'stack(a,b)' (default: the frozen model, if it writes or is a CLIP model).",
            valueName: "folder"
        )
    )
    var adapter: String?

    @Option(
        name: .customLong("data"),
        help: ArgumentHelp(
            "The labelled rows: a file; for pictures also a folder, a tar archive or an IDX file.",
            valueName: "file"
        )
    )
    var file: String

    @OptionGroup var rowLimit: RowLimit

    @Option(
        help:
            "Without --adapter, the longest row in tokens (default: 512, or the model's positions); an adapter knows its own."
    )
    var maxLength: Int?

    @Flag(
        help: "Score a CLIP model that knows classes by their names (default: those of the rows)."
    )
    var zeroShot = false

    @Flag(help: "Write a text for each row too, and score it against the row's own.")
    var generate = false

    @OptionGroup var adapterOptions: AdapterOptions
    @OptionGroup(title: "Generation") var generation: GenerationSettings
    @OptionGroup(title: "Zero-shot") var prompts: PromptOptions
    @OptionGroup(title: "Data") var data: RowOptions
    @OptionGroup(title: "Output") var common: CommonOptions

    func validate() throws {
        guard maxLength == nil || (adapter == nil && !zeroShot) else {
            throw ValidationError("--max-length is for models without --adapter and --zero-shot")
        }
        guard zeroShot || (prompts.list == nil && prompts.templates.isEmpty) else {
            throw ValidationError("--classes and --template need --zero-shot")
        }
        if !generate, let option = try generation.given {
            throw ValidationError("\(option) needs --generate")
        }
    }

    func run() throws {
        let base = try model.load()
        if zeroShot { _ = try base.imageTextModel }
        let predictor =
            try adapter.map { try adapterOptions.predictor($0, on: base) } ?? frozen(base)
        let kind = zeroShot ? .classification : predictor.bundle.head.kind
        guard !generate || kind.writesText else {
            throw CommandError(
                "--generate: \(kind.rawValue) writes no texts",
                hint: "causal-lm and seq2seq do"
            )
        }
        let dataset = try data.read(
            file,
            for: kind,
            on: base,
            labelled: true,
            limit: rowLimit.limit,
            remembered: predictor.bundle.columnNames
        )
        common.warn(dataset.warning)
        let (rows, metrics, speed) =
            try zeroShot
            ? scoreByName(dataset, predictor, on: base)
            : score(dataset, predictor, on: base)
        guard !common.json else {
            Console.out(
                .object([
                    .init("metrics", metrics.json),
                    .init("primary_metric", .string(kind.primaryMetric.rawValue)),
                    .init("rows", .integer(rows)),
                    .init("broken_rows", .integer(dataset.broken.count)),
                    .init("eval_seconds", .number(speed.seconds)),
                    .init("examples_per_second", .number(speed.rowsPerSecond)),
                    .init("adapter", adapter.map { .string($0) } ?? .null),
                    .init("data", .string(file)),
                    .init("peak_rss_bytes", .integer(ProcessFacts.peakMemory)),
                ])
            )
            return
        }
        let figures = metrics.ordered.map { [$0.metric.rawValue, Figures.score($0.value)] }
        let facts = [["rows", Figures.count(rows)]] + figures + [["took", speed.text]]
        Console.out(Table(rows: facts).text)
        if let confusion = metrics.confusion {
            Console.out("\nrows by label, then prediction")
            Console.out(confusion.table.text)
        }
    }

    private func frozen(_ base: BaseModel) throws -> Predictor {
        guard let kind = base.ownTask else {
            throw ValidationError(
                "missing --adapter: a \(base.shape.family) model has no head of its own to score"
            )
        }
        let longest = try TrainingSettings.longestRow(maxLength, of: kind, on: base)
        return try Predictor(frozen: base, maxLength: longest)
    }

    /// What a score is about, what it is, and how long it took.
    private typealias Score = (rows: Int, metrics: Metrics, speed: Stopwatch.Speed)

    private func score(
        _ dataset: TaskRows,
        _ predictor: Predictor,
        on base: BaseModel
    ) throws -> Score {
        let rows = try predictor.encode(dataset, labelled: true)
        let kind = predictor.bundle.head.kind
        let reader = adapter == nil ? "--max-length" : "the adapter"
        let (limit, reading) = (predictor.bundle.maxLength, predictor.bundle.reading)
        common.warn(CutRows.warning(rows, limit: limit, path: file, of: reader))
        common.warn(CutRows.warning(targetsOf: rows, kind, reading, path: file, of: reader))
        let clock = Stopwatch()
        let predictions = try predictor.model.predictions(rows, loss: TaskLoss(kind))
        var metrics = try kind.metrics(predictions, of: rows, labels: predictor.bundle.labels)
        if generate {
            let writer = try generation.writer(base, predictor)
            metrics.values.merge(try writer.metrics(dataset.answers).values) { $1 }
        }
        return (dataset.answers.count, metrics, clock.speed(dataset.answers.count))
    }

    private func scoreByName(
        _ dataset: TaskRows,
        _ predictor: Predictor,
        on base: BaseModel
    ) throws -> Score {
        let classes = try prompts.classes ?? LabelMap(of: dataset.answers).names
        let classifier = try prompts.classifier(classes, on: base, adapter: predictor)
        let rows = try base.encoded(
            dataset,
            maxLength: 1,
            kind: .classification,
            labels: classifier.classes
        )
        let clock = Stopwatch()
        let metrics = try classifier.metrics(rows)
        return (rows.count, metrics, clock.speed(rows.count))
    }
}

extension ConfusionMatrix {
    /// The counts with their names.
    fileprivate var table: Table {
        let rows = zip(names, counts).map { [$0] + $1.map(Figures.count) }
        return Table(rows: [[""] + names] + rows, rightAligned: Set(1...names.count))
    }
}
