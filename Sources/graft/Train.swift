internal import ArgumentParser
internal import GraftData
internal import GraftModels
internal import GraftTraining

/// The command `graft train`.
struct Train: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "train",
        abstract: "Train an adapter and its head on labelled rows.",
        discussion: """
            The model stays frozen; what is trained, its report and its settings go to --output. With --eval the \
            epoch that scores best is kept.

            Sort tickets by urgency:

              graft train --model MiniLM --train train.jsonl --eval eval.jsonl --label-column urgency \
            --method double_seq_bn --epochs 8 --learning-rate 1e-3 --output runs/urgency

            A ViT, DeiT or CLIP model reads pictures, from <class>/<picture> in a folder or a tar archive (.gz), from \
            IDX files (...images-idx3-ubyte, the labels beside it), or from rows with a column 'image' of paths:

              graft train --model vit --task image-classification --train flowers/train --eval flowers/test \
            --method seq_bn --output runs/flowers

            A run that is stopped (ctrl-C, a kill, a power cut) goes on from its last checkpoint, and ends bit for \
            bit as it would have, with the same command and --resume.
            """
    )

    @OptionGroup var model: ModelOptions

    @OptionGroup var files: TrainingFiles

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

    @Option(
        name: .customLong("on"),
        help: ArgumentHelp(
            "A trained adapter that acts below and stays as it is; with --method head, a head alone is trained on it.",
            valueName: "folder"
        )
    )
    var lower: String?

    @OptionGroup(title: "Task") var method: MethodOption
    @OptionGroup(title: "Task") var task: TaskOptions
    @OptionGroup(title: "Training") var settings: TrainingSettings
    @OptionGroup(title: "Data") var data: RowOptions
    @OptionGroup(title: "Output") var common: CommonOptions

    func run() throws {
        let method = try self.method.parsed()
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
            let options = settings.options(for: method, rows: task.train.count, seed: seed)
            guard let lower else {
                return try TrainingRun(
                    task,
                    method: method,
                    named: self.method.name,
                    options: options
                )
            }
            let (both, members) = try LowerAdapter(path: lower).topped(
                with: method,
                for: task.head.kind,
                on: task.base,
                allowsBaseMismatch: false
            )
            return try TrainingRun(
                task,
                method: both,
                named: "\(self.method.name) on \(lower)",
                options: options,
                members: members
            )
        }
    }
}
