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
            Rows are read as in training; a label that the adapter does not know is an error.

              graft eval --model MiniLM --adapter runs/urgency --data eval.jsonl --label-column urgency
            """
    )

    @OptionGroup var model: ModelOptions

    @Option(help: ArgumentHelp("The adapter's folder.", valueName: "folder"))
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
        let dataset = try data.read(file, for: kind, labelled: true, limit: limit)
        let rows = try predictor.encode(dataset, labelled: true)
        let predictions = try predictor.model.predictions(rows, loss: TaskLoss(kind))
        let metrics = try kind.metrics(predictions, of: rows, labels: predictor.bundle.labels)
        guard !common.json else {
            Console.out(
                .object([
                    .init("metrics", metrics.json),
                    .init("primary_metric", .string(kind.primaryMetric.rawValue)),
                    .init("rows", .integer(rows.count)),
                    .init("adapter", .string(adapter)),
                    .init("data", .string(file)),
                    .init("peak_rss_bytes", .integer(ProcessFacts.peakMemory)),
                ])
            )
            return
        }
        let figures = metrics.ordered.map { [$0.metric.rawValue, Figures.score($0.value)] }
        Console.out(Table(rows: [["rows", Figures.count(rows.count)]] + figures).text)
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
