internal import ArgumentParser
internal import GraftData
internal import GraftFormats
internal import GraftModels
internal import GraftTraining

/// The command `graft eval`.
struct Eval: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "eval",
        abstract: "Score an adapter on labelled rows.",
        discussion: """
            Rows are read as in training, from columns of the same names unless others are given; a label that the \
            adapter does not know is an error.

              graft eval --model MiniLM --adapter runs/urgency --data eval.jsonl
            """
    )

    @OptionGroup var model: ModelOptions

    @Option(
        help: ArgumentHelp(
            "The adapter's folder, or a composition of such: 'stack(a,b)'.",
            valueName: "folder"
        )
    )
    var adapter: String

    @Option(name: .customLong("data"), help: ArgumentHelp("The labelled rows.", valueName: "file"))
    var file: String

    @Option(help: "Read at most this many rows.")
    var limit: Int?

    @OptionGroup var adapterOptions: AdapterOptions
    @OptionGroup(title: "Data") var data: DataOptions
    @OptionGroup(title: "Output") var common: CommonOptions

    func run() throws {
        let predictor = try adapterOptions.predictor(adapter, on: model.load())
        let kind = predictor.bundle.head.kind
        let dataset = try data.read(
            file,
            for: kind,
            labelled: true,
            limit: limit,
            remembered: predictor.bundle.columnNames
        )
        let rows = try predictor.encode(dataset, labelled: true)
        let clock = Stopwatch()
        let predictions = try predictor.model.predictions(rows, loss: TaskLoss(kind))
        let speed = clock.speed(rows.count)
        let metrics = try kind.metrics(predictions, of: rows, labels: predictor.bundle.labels)
        guard !common.json else {
            Console.out(
                .object([
                    .init("metrics", metrics.json),
                    .init("primary_metric", .string(kind.primaryMetric.rawValue)),
                    .init("rows", .integer(rows.count)),
                    .init("eval_seconds", .number(speed.seconds)),
                    .init("examples_per_second", .number(speed.rowsPerSecond)),
                    .init("adapter", .string(adapter)),
                    .init("data", .string(file)),
                    .init("peak_rss_bytes", .integer(ProcessFacts.peakMemory)),
                ])
            )
            return
        }
        let figures = metrics.ordered.map { [$0.metric.rawValue, Figures.score($0.value)] }
        let facts = [["rows", Figures.count(rows.count)]] + figures + [["took", speed.text]]
        Console.out(Table(rows: facts).text)
        if let confusion = metrics.confusion {
            Console.out("\nrows by label, then prediction")
            Console.out(confusion.table.text)
        }
    }
}

extension ConfusionMatrix {
    /// The counts with their names.
    fileprivate var table: Table {
        let rows = zip(names, counts).map { [$0] + $1.map(Figures.count) }
        return Table(rows: [[""] + names] + rows, rightAligned: Set(1...names.count))
    }
}
