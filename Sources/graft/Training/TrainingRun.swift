internal import Foundation
internal import GraftAdapters
internal import GraftData
internal import GraftFormats
internal import GraftLayers
internal import GraftModels
internal import GraftTorch
internal import GraftTraining

/// One run: a method that is trained on a task.
struct TrainingRun {
    let task: TrainingTask
    let method: any AdapterMethod
    /// The method as the user wrote it.
    let methodName: String
    let trainer: Trainer
    /// What the user should know about the method before the run.
    let ownWarnings: [String]
    /// What makes the run what it is besides its settings.
    let fingerprint: String

    /// Prepares a run.
    ///
    /// - Parameters:
    ///   - task: What is learned.
    ///   - method: What is trained.
    ///   - name: The method as the user wrote it.
    ///   - options: The settings.
    ///   - members: Trained adapters that stay as they are, if the method composes any.
    /// - Throws: An error naming the setting that does not fit the model.
    init(
        _ task: TrainingTask,
        method: any AdapterMethod,
        named name: String,
        options: TrainingOptions,
        members: FrozenMembers = FrozenMembers()
    ) throws {
        self.task = task
        self.method = method
        methodName = name
        trainer = try Trainer(
            task.base,
            method: method,
            head: task.head,
            labels: task.labels,
            classWeights: task.classWeights,
            options: options,
            frozen: members.parameters
        )
        fingerprint = try task.fingerprint(of: method, with: members.hashes)
        ownWarnings =
            method.warnings(
                for: task.base.sites(under: task.head.kind),
                isSequenceTask: !task.head.kind.answersTokens
            )
            + (members.parameters.isEmpty
                ? try TrainingRun.startWarnings(trainer, task.trainRows) : [])
    }

    /// The metric that chooses the best epoch.
    var metric: Metric { trainer.options.metric ?? task.head.kind.primaryMetric }

    /// What the user should know before the run.
    var warnings: [String] { ownWarnings + task.warnings }

    /// What is about to be trained, in a line.
    var announcement: String {
        "\(methodName) on \(task.base.path): \(Figures.count(trainer.trainableCount)) parameters,"
            + " \(Figures.count(task.train.count)) rows, \(trainer.options.workers) workers"
            + (task.hasMessages
                ? ", messages written by the chat template of the model's folder" : "")
    }

    private static func startWarnings(_ trainer: Trainer, _ rows: EncodedRows) throws -> [String] {
        let adapters = trainer.model.adapters
        guard !adapters.hidden.isEmpty || !adapters.linear.isEmpty else { return [] }
        let change = try trainer.startChange(rows, rows: 0..<min(8, rows.count))
        guard change > 0.5 else { return [] }
        return [
            "the adapter's start values change the last hidden states by"
                + " \(Figures.percent(change)) (hint: a start near the identity, such as"
                + " init_weights=mam_adapter, trains more evenly)"
        ]
    }
}

extension TrainingRun {
    /// Trains to the end and writes the adapter with its report.
    ///
    /// - Parameters:
    ///   - folder: Where the adapter goes, and beside it the states of the run.
    ///   - resumes: Whether to go on from a state that is there.
    ///   - settings: How much memory the run may take.
    ///   - meter: What measures the run.
    ///   - interruption: Whether somebody asked the run to stop.
    ///   - progress: What shows how the run goes on.
    ///   - extra: Writes more into the adapter's folder, which appears with all it holds.
    /// - Returns: What came of it.
    /// - Throws: What stopped the run; then nothing stands at the folder that did not before.
    func complete(
        in folder: OutputFolder,
        resumes: Bool,
        settings: TrainingSettings,
        meter: RunMeter,
        interruption: Interruption,
        progress: inout Progress,
        extra: (TrainingResult, String) throws -> Void = { _, _ in }
    ) throws -> TrainingResult {
        let checkpoint = CheckpointFolder(path: folder.checkpointPath, fingerprint: fingerprint)
        var state: TrainingState?
        if resumes, checkpoint.existingPath != nil {
            state = try checkpoint.read(options: trainer.options)
        } else {
            // --overwrite gave an older, interrupted run up: its state must not be taken for one of this run.
            checkpoint.remove()
        }
        var readySeconds: Double?
        let outcome = try trainer.run(
            on: task.trainRows,
            evaluation: task.evaluationRows,
            trunkMemory: settings.trunkMemory << 20,
            checkpoint: checkpoint,
            resuming: state,
            shouldStop: { interruption.isWished },
            onEvent: { event in
                if case .started = event { readySeconds = meter.seconds }
                progress.show(event)
            }
        )
        let result = try TrainingResult(
            self,
            outcome,
            output: folder.path,
            readySeconds: readySeconds,
            peakMemory: ProcessFacts.peakMemory
        )
        let command = ["graft"] + CommandLine.arguments.dropFirst()
        let report = try result.report(command: command, meter: meter)
        try folder.write { path in
            try result.bundle.write(into: path)
            try AtomicFile.write(Data(report.html().utf8), to: path + "/report.html")
            try AtomicFile.write(report.encoded(), to: path + "/report.json")
            try extra(result, path)
        }
        checkpoint.remove()
        return result
    }
}
