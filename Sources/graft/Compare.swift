internal import ArgumentParser
internal import GraftModels
internal import GraftTraining

/// The command `graft compare`.
struct Compare: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "compare",
        abstract: "Train several methods on the same rows and set what they come to side by side.",
        discussion: """
            The model is loaded and the rows are tokenized once. Shown is, for each method, the mean score of the \
            seeds with its standard deviation, the parameters that are trained, the largest memory, and the seconds \
            of training in an epoch; --output gets a report with the scores over the parameters, and the adapters.

              graft compare --model MiniLM --train train.jsonl --eval eval.jsonl --output runs/methods \
            --methods 'double_seq_bn,lora[r=8],full,head' --seeds 0,1,2

            A comparison that was stopped goes on with the same command: runs that ended are not repeated. A run that \
            fails is told in its row, and the others go on. Without --learning-rate each method has the one that \
            suits it.
            """
    )

    @OptionGroup var model: ModelOptions
    @OptionGroup var files: TrainingFiles

    @Option(
        help: ArgumentHelp(
            "The methods, each as for graft train.",
            valueName: "name[setting=value,...],..."
        )
    )
    var methods: String

    @Option(help: ArgumentHelp("A run of each method for every seed.", valueName: "0,1,2"))
    var seeds = "0,1,2"

    @Option(
        help: ArgumentHelp(
            "The folder of the comparison: its report, and <method>/<seed> for each adapter.",
            valueName: "folder"
        )
    )
    var output: String

    @Flag(help: "Train anew what is at --output.")
    var overwrite = false

    @OptionGroup(title: "Task") var task: TaskOptions
    @OptionGroup(title: "Training") var settings: TrainingSettings
    @OptionGroup(title: "Data") var data: RowOptions
    @OptionGroup(title: "Output") var common: CommonOptions

    func validate() throws {
        guard files.evaluation != nil else {
            throw ValidationError("methods are compared by their scores: give --eval")
        }
    }

    func run() throws {
        let interruption = Interruption.afterStep()
        let methods = try ComparedMethod.list(methods)
        let seeds = try seedNumbers()
        let folder = try ComparisonFolder(path: output)
        let task = try TrainingTask(
            model,
            files: files,
            task: self.task,
            settings: settings,
            data: data
        )
        for method in methods { try method.check(on: task.base, under: task.head.kind) }
        var comparison = try Comparison(
            task: task,
            methods: methods,
            settings: settings,
            folder: folder
        )
        try folder.create()
        try comparison.run(
            seeds: seeds,
            overwrite: overwrite,
            interruption: interruption,
            common: common
        )
        if common.json { Console.out(comparison.json) } else { Console.out(comparison.text) }
        try comparison.throwFailures()
    }

    private func seedNumbers() throws -> [UInt64] {
        let parts = seeds.commaSeparated
        let numbers = parts.compactMap { UInt64($0) }
        guard numbers.count == parts.count, Set(numbers).count == numbers.count else {
            throw ValidationError(
                "--seeds: expected different whole numbers with commas between, found '\(seeds)'"
            )
        }
        return numbers
    }
}
