internal import ArgumentParser
internal import Foundation
internal import GraftFormats
internal import GraftTraining
internal import Logging

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

            A run that is stopped (ctrl-C, a kill, a power cut) goes on from its last checkpoint, and ends bit for \
            bit as it would have, with the same command and --resume.
            """
    )

    @OptionGroup var model: ModelOptions

    @Option(help: ArgumentHelp("The rows to learn from.", valueName: "file"))
    var train: String

    @Option(
        name: .customLong("eval"),
        help: ArgumentHelp("The rows to score on.", valueName: "file")
    )
    var evaluation: String?

    @Option(
        help: ArgumentHelp("The folder to write; it must be new or empty.", valueName: "folder")
    )
    var output: String

    @Flag(help: "Replace an adapter at --output.")
    var overwrite = false

    @Flag(help: "Go on with an interrupted run.")
    var resume = false

    @Option(help: "Read at most this many training rows.")
    var limit: Int?

    @Option(help: "Read at most this many evaluation rows.")
    var evalLimit: Int?

    @OptionGroup(title: "Task") var task: TaskOptions
    @OptionGroup(title: "Training") var settings: TrainingSettings
    @OptionGroup(title: "Data") var data: DataOptions
    @OptionGroup(title: "Output") var common: CommonOptions

    func run() throws {
        let log = common.logger
        let folder = try OutputFolder(path: output, overwrite: overwrite, resume: resume)
        let interruption = Interruption {
            Console.error("\ngraft: stopping after this step; once more stops at once")
        }
        let run = try TrainingRun(self)
        for warning in run.warnings { log.warning("\(warning)") }
        log.info("\(run.announcement)")
        var progress = Progress(
            isShown: !common.quiet,
            epochs: settings.epochs,
            metric: run.metric
        )
        let checkpoint = CheckpointFolder(
            path: folder.checkpointPath,
            fingerprint: run.fingerprint
        )
        var state: TrainingState?
        if resume {
            if checkpoint.existingPath != nil {
                state = try checkpoint.read(options: run.trainer.options)
            } else {
                log.warning("\(checkpoint.path): no checkpoint to go on from: starting anew")
            }
        } else {
            // --overwrite gave an older, interrupted run up: its state must not be taken for one of this run.
            checkpoint.remove()
        }
        var readySeconds: Double?
        let outcome = try run.trainer.run(
            on: run.trainRows,
            evaluation: run.evaluationRows,
            trunkMemory: settings.trunkMemory << 20,
            checkpoint: checkpoint,
            resuming: state,
            shouldStop: { interruption.isWished },
            onEvent: { event in
                if case .started = event { readySeconds = ProcessFacts.age }
                progress.show(event)
            }
        )
        let result = try TrainingResult(
            run,
            outcome,
            output: folder.path,
            readySeconds: readySeconds
        )
        let report = try result.report(command: ["graft"] + CommandLine.arguments.dropFirst())
        try folder.write { path in
            try result.bundle.write(into: path)
            try AtomicFile.write(Data(report.html().utf8), to: path + "/report.html")
            try AtomicFile.write(report.encoded(), to: path + "/report.json")
        }
        checkpoint.remove()
        if common.json { Console.out(result.json) } else { Console.out(result.summary) }
    }
}
