internal import ArgumentParser
internal import GraftData
internal import GraftModels
internal import GraftTraining
internal import Logging

/// The command `graft bench`.
struct Bench: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "bench",
        abstract: "Measure how near a model and a method come to what this machine can do.",
        discussion: """
            Every speed stands beside what it is compared with: training, evaluation and encoding beside the time \
            that their matrix products alone would take at the speed of products of this model's sizes, loading \
            beside reading the weights once, the tokenizer beside what training needs. Several rounds measure \
            everything in turn; shown are medians, and the spread from the slowest to the fastest round.

              graft bench --model MiniLM --method double_seq_bn --train train.jsonl

            With --adapters one batch of rows is spread over so many adapters, of the methods in turn, and timed beside \
            the same batch under one:

              graft bench --model MiniLM --method double_seq_bn,lora --adapters 8,64 --batch 64

            With --tokenizer-only the folder may hold a tokenizer and no model:

              graft bench --model tokenizers/llama3 --tokenizer-only --train texts.jsonl

            Without --train the rows are made up. Measures the CPU, in float32, and writes nothing.
            """
    )

    @Option(
        help: ArgumentHelp(
            "The frozen model: its folder, or its id in the local Hugging Face cache.",
            valueName: "folder-or-id"
        )
    )
    var model: String

    @Option(
        help: ArgumentHelp("The rows to measure with (default: made-up ones).", valueName: "file")
    )
    var train: String?

    @Option(help: "Rows of one step.")
    var batch = 32

    @Option(
        help:
            "The longest row in tokens; longer ones are cut (default: 128, or the model's positions)."
    )
    var maxLength: Int?

    @Option(help: "Threads that compute parts of a batch (default: the cores).")
    var workers: Int?

    @Option(help: "Seconds for each figure, over all rounds.")
    var seconds = 3.0

    @Option(
        help: ArgumentHelp(
            "Time batches over so many adapters beside one adapter's, and nothing else.",
            valueName: "count,..."
        )
    )
    var adapters: String?

    @Flag(help: "Measure the tokenizer with the texts of --train, and nothing else.")
    var tokenizerOnly = false

    @OptionGroup(title: "Task") var method: MethodOption
    @OptionGroup(title: "Task") var task: TaskOptions
    @OptionGroup(title: "Data") var data: DataOptions
    @OptionGroup(title: "Output") var common: CommonOptions

    /// How often everything is measured.
    static let rounds = 5

    func validate() throws {
        if let workers, workers > Workers.cores {
            throw ValidationError(
                "--workers: this machine has \(Workers.cores) cores, more would measure no more"
            )
        }
        try checkCounts(["batch": batch, "workers": workers])
        guard seconds > 0, seconds.isFinite else {
            throw ValidationError("--seconds must be positive, found \(seconds)")
        }
        guard !tokenizerOnly || (train != nil && adapters == nil) else {
            throw ValidationError("--tokenizer-only needs the texts of --train, and no --adapters")
        }
        guard ![.questionAnswering, .multipleChoice].contains(task.task), !task.task.writesText
        else {
            throw ValidationError(
                "--task \(task.task.rawValue): bench measures tasks with a trained head on single texts"
            )
        }
        guard train != nil || task.task == .classification else {
            throw ValidationError("made-up rows have one class each: --task needs --train")
        }
        guard train != nil || task.labels == nil else {
            throw ValidationError("made-up rows have classes of their own: --labels needs --train")
        }
    }

    /// Over how many adapters a batch is spread, in turn; `nil` to measure one adapter.
    private var adapterCounts: [Int]? {
        get throws {
            try adapters?.split(separator: ",", omittingEmptySubsequences: false).map { text in
                guard let count = Int(text), count > 0 else {
                    throw ValidationError("--adapters: '\(text)' is not a number of adapters")
                }
                return count
            }
        }
    }

    func run() throws {
        if tokenizerOnly { return try runTokenizer() }
        let base = try BaseModel(path: ModelOptions.folder(of: model))
        let longest = try TrainingSettings.longestRow(maxLength, of: task.task, on: base)
        let log = common.logger
        let rows = try BenchRows(self, base: base, maxLength: longest)
        let each = seconds / Double(Bench.rounds)
        if let counts = try adapterCounts {
            log.info("measuring for about \(Figures.duration(Double(counts.count + 1) * seconds))")
            try runMixed(MixedBatches(self, counts: counts, base: base, source: rows), rows, each)
            return
        }
        log.info("measuring for about \(Figures.duration(14 * seconds))")
        var workload = try Workload(
            self,
            base: base,
            source: rows,
            maxLength: longest,
            seconds: each
        )
        var ceilings = try MachineCeilings(
            base.encoder,
            workers: Workers(workers),
            partTokens: workload.partTokens(batch: batch)
        )
        let others = OtherLoad()
        for _ in 0..<Bench.rounds {
            try ceilings.measure(seconds: each)
            try workload.measure(seconds: each)
        }
        let report = BenchReport(
            command: self,
            source: rows,
            maxLength: longest,
            ceilings: ceilings,
            workload: workload,
            others: others.finding()
        )
        if common.json { Console.out(report.json) } else { Console.out(report.text) }
    }

    private func runTokenizer() throws {
        let path = train ?? ""
        var speed = try TokenizerSpeed(
            folder: ModelOptions.folder(of: model),
            rows: data.readTexts(path)
        )
        common.logger.info("measuring for about \(Figures.duration(3 * seconds))")
        let others = OtherLoad()
        for _ in 0..<Bench.rounds { try speed.measure(seconds: seconds / Double(Bench.rounds)) }
        let load = others.finding()
        if common.json {
            Console.out(speed.json(source: path, others: load))
        } else {
            Console.out(speed.text(source: path, others: load))
        }
    }

    private func runMixed(_ batches: MixedBatches, _ rows: BenchRows, _ seconds: Double) throws {
        var batches = batches
        let others = OtherLoad()
        for _ in 0..<Bench.rounds { try batches.measure(seconds: seconds) }
        let load = others.finding()
        if common.json {
            Console.out(batches.json(self, isQuiet: load.isQuiet))
        } else {
            Console.out(batches.text(self, rows, otherLoad: load.text))
        }
    }
}
