internal import ArgumentParser
internal import GraftAdapters
internal import GraftData
internal import GraftTraining

/// The command `graft fuse`.
struct Fuse: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "fuse",
        abstract: "Train a fusion that lets a new task draw on trained adapters.",
        discussion: """
            AdapterFusion: at every token an attention over what the adapters make of it. The model and the adapters \
            stay as they are; only the fusion and a head are trained. The result is an adapter as any other, which \
            holds its members; its report shows which of them each layer listens to.

              graft fuse --model MiniLM --adapters runs/sst2,runs/mrpc,nli=runs/mnli/0 --train train.jsonl \
            --eval eval.jsonl --output runs/fused

            Bottleneck adapters can be fused. Their heads are not used.
            """
    )

    @OptionGroup var model: ModelOptions
    @OptionGroup var files: TrainingFiles

    @Option(
        help: ArgumentHelp(
            "The adapters' folders, each with a name before it where its own does not suit.",
            valueName: "[name=]folder,..."
        )
    )
    var adapters: String

    @Option(
        help: ArgumentHelp(
            "The fusion: dynamic, or static without value projections.",
            discussion: "Settings stand in brackets: 'dynamic[dropout_prob=0]'.",
            valueName: "name[setting=value,...]"
        )
    )
    var fusion = "dynamic"

    @Option(
        help: ArgumentHelp("The folder to write; it must be new or empty.", valueName: "folder")
    )
    var output: String

    @Flag(help: "Replace an adapter at --output.")
    var overwrite = false

    @Flag(help: "Go on with an interrupted run.")
    var resume = false

    @Option(help: "What starts, shuffles and drops: equal seeds and workers give equal bytes.")
    var seed: UInt64 = 0

    @OptionGroup var mismatch: MismatchOption

    @OptionGroup(title: "Task") var task: TaskOptions
    @OptionGroup(title: "Training") var settings: TrainingSettings
    @OptionGroup(title: "Data") var data: RowOptions
    @OptionGroup(title: "Output") var common: CommonOptions

    func run() throws {
        let fusion = try Fusion(named: fusion)
        let adapters = try FusedAdapters(adapters)
        let single = SingleRun(
            output: output,
            overwrite: overwrite,
            resume: resume,
            settings: settings,
            common: common
        )
        try single.run {
            let task = try TrainingTask(
                model,
                files: files,
                task: self.task,
                settings: settings,
                data: data
            )
            let (method, members) = try adapters.fused(
                fusion,
                on: task.base,
                allowsBaseMismatch: mismatch.allowBaseMismatch
            )
            return try TrainingRun(
                task,
                method: method,
                named: "\(method.composition)",
                options: settings.options(for: method, rows: task.train.count, seed: seed),
                members: members
            )
        }
    }
}
