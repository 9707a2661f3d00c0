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
        for (name, value) in [("batch", batch), ("workers", workers ?? 1)] where value < 1 {
            throw ValidationError("--\(name) must be at least 1, found \(value)")
        }
        guard seconds > 0, seconds.isFinite else {
            throw ValidationError("--seconds must be positive, found \(seconds)")
        }
        guard !task.task.writesText else {
            throw ValidationError(
                "--task \(task.task.rawValue): bench measures tasks with a trained head"
            )
        }
        guard train != nil || task.task == .classification else {
            throw ValidationError("made-up rows have one class each: --task needs --train")
        }
        guard train != nil || task.labels == nil else {
            throw ValidationError("made-up rows have classes of their own: --labels needs --train")
        }
    }

    func run() throws {
        let base = try BaseModel(path: ModelOptions.folder(of: model))
        let longest = try TrainingSettings.longestRow(
            maxLength,
            of: task.task,
            positions: base.shape.positions
        )
        let log = common.logger
        log.info("measuring for about \(Figures.duration(14 * seconds))")
        let rows = try BenchRows(self, base: base, maxLength: longest)
        let each = seconds / Double(Bench.rounds)
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
            loadAverage: others.loadAverage,
            otherShare: others.share()
        )
        if common.json { Console.out(report.json) } else { Console.out(report.text) }
    }
}
