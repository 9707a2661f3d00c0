internal import Foundation
public import GraftAdapters
internal import GraftFormats
internal import GraftLayers
public import GraftModels
internal import GraftText
public import GraftTorch

/// Trains an adapter and its head on a frozen model.
///
/// Every step of a run is a function of the settings, the data and the step's number: the order of
/// rows, dropout masks and start values are hashes of the seed. A run that was interrupted
/// therefore goes on bit for bit as if it had not been (``TrainingState``), and two runs with equal
/// settings and as many workers give equal bits.
public struct Trainer: Sendable {
    /// What happens in a run, for whoever shows it.
    public enum Event: Sendable {
        /// Training begins or goes on: at a step, of so many steps in all.
        case started(step: Int, of: Int)
        /// A step is done.
        case step(LoggedStep, total: Int, rows: Int)
        /// An epoch was evaluated.
        case evaluated(EpochResult, isBest: Bool)
        /// A checkpoint was written.
        case checkpoint(path: String, step: Int)
    }

    /// One optimizer step.
    public struct LoggedStep: Sendable, Hashable, Codable {
        /// Counted from 1 over the run.
        public let step: Int
        /// The epoch, counted from 1.
        public let epoch: Int
        /// The mean loss of the batch.
        public let loss: Double
        /// The rate of this step.
        public let learningRate: Double
        /// The norm of the gradient before clipping.
        public let gradientNorm: Double
    }

    /// One epoch's evaluation.
    public struct EpochResult: Sendable, Hashable, Codable {
        /// Counted from 1.
        public let epoch: Int
        /// The mean loss of the epoch's steps.
        public let trainingLoss: Double
        /// The metrics on the evaluation rows; `nil` if there are none.
        public let metrics: Metrics?
    }

    /// What a run yields.
    public struct Outcome: Sendable {
        /// The parameters of the best epoch by name, those included that stayed as they were.
        public let tensors: [String: Tensor]
        /// Every step of the run, resumed ones included.
        public let steps: [LoggedStep]
        /// Every epoch, likewise.
        public let epochs: [EpochResult]
        /// The epoch whose parameters were kept.
        public let bestEpoch: Int
        /// Seconds spent in steps, without evaluation.
        public let trainingSeconds: Double
        /// Seconds spent in evaluation.
        public let evaluationSeconds: Double
        /// Rows seen in this process.
        public let rows: Int
        /// Tokens seen in this process.
        public let tokens: Int
    }

    /// The number of trained parameters.
    public var trainableCount: Int { parameters.count }
    /// The trained parameters' names and shapes.
    public var slices: [ParameterBuffer.Slice] { parameters.slices }
    /// The model as it is now.
    public let model: AdaptedModel
    /// The settings.
    public let options: TrainingOptions

    /// Parameters of the adapter that stay as they are.
    public let frozen: [String: Tensor]

    /// The memory, in bytes, in which activations may wait for the loss of a batch whose rows are compared.
    package var waitingMemory = 256 << 20

    let parameters: ParameterBuffer
    let segments: [Segment]
    let loss: TaskLoss
    private let method: any AdapterMethod
    private let labels: [String]

    /// A device computes a batch as one; the CPU in as many parts as there are workers.
    var workers: Workers { Workers(model.device == .cpu ? options.workers : 1) }

    /// Creates the parameters of a run at their start values.
    ///
    /// - Parameters:
    ///   - base: The frozen model.
    ///   - method: What is trained inside it.
    ///   - head: What is trained on top of it.
    ///   - labels: The names of the classes; empty for regression.
    ///   - classWeights: A weight for each class, for unbalanced data.
    ///   - options: The settings of the run.
    ///   - frozen: Parameters of the method that exist and stay as they are, as those of the members
    ///     of a fusion.
    /// - Throws: `ConfigurationError` if the method does not fit the model; `ParameterError` naming a
    ///   frozen parameter that does not; ``TrainingError`` if the options cannot be used or nothing
    ///   would be trained.
    public init(
        _ base: BaseModel,
        method: any AdapterMethod,
        head: HeadConfiguration,
        labels: [String],
        classWeights: [Float]? = nil,
        options: TrainingOptions,
        frozen: [String: Tensor] = [:]
    ) throws {
        try options.check()
        let smooths = [.classification, .tagging].contains(head.kind) || head.kind.writesText
        guard smooths || options.labelSmoothing == 0 else {
            throw TrainingError.settings(
                "--label-smoothing spreads the probability of one class over the others, which"
                    + " \(head.kind.rawValue) does not have"
            )
        }
        try Trainer.checkClasses(of: head, labels)
        let method = try method.prepared { base.textTokenizer?.encode($0).ids ?? [] }
        let fresh = FreshParameters(seed: options.seed)
        self.frozen = frozen
        let kept = StoredParameters(try frozen.mapValues { try $0.moved(to: base.device) })
        func model(completing rest: any ParameterSource) throws -> AdaptedModel {
            let source = CompletedParameters(kept, by: rest)
            return try AdaptedModel(base, method: method, head: head, ParameterScope(source))
        }
        _ = try model(completing: fresh)
        try kept.checkAllUsed()
        guard !fresh.parameters.isEmpty else {
            throw TrainingError.nothingToTrain(
                method: type(of: method).identifier,
                family: base.shape.family
            )
        }
        parameters = try ParameterBuffer(fresh.parameters, device: base.device)
        segments = Segment.all(of: parameters) { method.learningRateFactor($0) }
        let leaves = zip(parameters.slices, parameters.leaves).map { ($0.name, $1) }
        let stored = StoredParameters(Dictionary(uniqueKeysWithValues: leaves))
        self.model = try model(completing: stored)
        if !method.trainsBase {
            try base.pack(firstLearning: self.model.trunkDepth, under: head.kind)
        }
        loss = TaskLoss(
            head.kind,
            labelSmoothing: options.labelSmoothing,
            classWeights: classWeights
        )
        self.method = method
        self.labels = labels
        self.options = options
    }

    /// How far the adapter's start values move the last hidden states of some rows: the norm of the
    /// difference by the norm of the frozen model's, 0 for an exact identity.
    public func startChange(_ data: EncodedRows, rows: Range<Int>) throws -> Double {
        try withoutGradients { () throws in
            let batch = try data.batch(rows, device: model.device)
            let frozen = try model.states(batch, with: SiteAdapters())
            let change = try (model.states(batch, with: model.adapters) - frozen).squared().sum()
                .item()
            return (change / (try frozen.squared().sum().item())).squareRoot()
        }
    }

    /// Confirms that there are classes to tell apart.
    ///
    /// - Throws: ``TrainingError`` naming the only class.
    package static func checkClasses(
        of head: HeadConfiguration,
        _ labels: [String]
    ) throws(TrainingError) {
        guard head.kind == .classification, head.outputCount < 2 else { return }
        throw .settings(
            "all rows have the class '\(labels.first ?? "")': there is nothing to tell apart"
                + " (hint: is --label-column right, and does --limit reach the others?)"
        )
    }

    /// Runs to the end.
    ///
    /// - Parameters:
    ///   - data: Rows to learn from.
    ///   - evaluation: Rows that choose the best epoch; without them the last one is kept.
    ///   - trunkMemory: Bytes for hidden states below what is trained, which are computed once where
    ///     they span a block or more; what does not fit goes to a file, and 0 computes them anew in
    ///     every epoch, for the same results.
    ///   - checkpoint: Where states are written, if anywhere.
    ///   - resuming: A state to go on from.
    ///   - shouldStop: Asked after every step; `true` writes a checkpoint and ends the run.
    ///   - onEvent: Told what happens, on the calling thread.
    /// - Returns: The trained parameters and what the run was like.
    /// - Throws: ``TrainingError`` if the loss, a gradient or a weight is not finite or the run was stopped.
    public func run(
        on data: EncodedRows,
        evaluation: EncodedRows?,
        trunkMemory: Int = 256 << 20,
        checkpoint: CheckpointFolder? = nil,
        resuming: TrainingState? = nil,
        shouldStop: () -> Bool = { false },
        onEvent: (Event) -> Void = { _ in }
    ) throws -> Outcome {
        // No operation between two parts starts threads of its own: they would wait for work on the
        // workers' cores, and sums would depend on how many cores there are.
        let threads = Torch.threads
        Torch.threads = 1
        defer { Torch.threads = threads }
        if let augmentation = options.augmentation { _ = try data.augmented(augmentation, seed: 0) }
        let metric = options.metric ?? model.head.configuration.kind.primaryMetric
        if let evaluation { try check(metric, on: evaluation) }
        guard evaluation != nil || (options.metric == nil && options.patience == nil) else {
            throw TrainingError.settings(
                (options.metric == nil ? "--patience" : "--metric")
                    + " needs rows to score on: give --eval"
            )
        }
        let plan = TrainingPlan(rows: data.count, options: options)
        var state = try resuming ?? TrainingState(parameters, options: options)
        try state.restore(into: parameters)
        var optimizer = try state.optimizer(options.optimizer, for: parameters)
        var rule = try method.stepRule(for: parameters.slices, steps: plan.steps)
        if resuming != nil { try rule?.restore(state.ruleState) }
        // A view that is drawn anew has states of its own.
        let constant = options.augmentation == nil ? data : nil
        // Both sets share the memory by their tokens.
        let tokenCount = (constant?.tokenCount ?? 0) + (evaluation?.tokenCount ?? 0)
        func trunks(_ rows: EncodedRows?) -> TrunkCache? {
            rows.flatMap {
                let share = Double($0.tokenCount) / Double(max(tokenCount, 1))
                return TrunkCache(
                    model,
                    rows: $0.count,
                    passes: options.epochs - state.epoch,
                    memory: Int(Double(trunkMemory) * share)
                )
            }
        }
        let (trunks, evaluationTrunks) = (trunks(constant), trunks(evaluation))
        var (training, evaluating) = (Duration.zero, Duration.zero)
        var (rows, tokens) = (0, 0)
        onEvent(.started(step: state.step, of: plan.steps))
        epochs: for epoch in state.epoch..<max(options.epochs, state.epoch) {
            let order = plan.order(epoch: epoch)
            for index in state.stepInEpoch..<plan.stepsPerEpoch {
                let batches = plan.batches(step: index, of: order)
                let start = ContinuousClock.now
                let change = try step(
                    batches,
                    of: data,
                    number: state.step,
                    plan,
                    &optimizer,
                    &rule,
                    trunks
                )
                // A finite loss may have infinite derivatives: they must not reach a checkpoint either.
                guard let change else {
                    throw TrainingError.notFinite(
                        step: state.step + 1,
                        checkpoint: checkpoint?.existingPath
                    )
                }
                let logged = LoggedStep(
                    step: state.step + 1,
                    epoch: epoch + 1,
                    loss: change.loss,
                    learningRate: plan.learningRate(state.step),
                    gradientNorm: change.gradientNorm
                )
                training += ContinuousClock.now - start
                state.advance(logged)
                let stepRows = batches.reduce(0) { $0 + $1.count }
                rows += stepRows
                for row in batches.joined() { tokens += data.length(row) }
                onEvent(.step(logged, total: plan.steps, rows: stepRows))
                let isDue =
                    options.checkpointInterval > 0
                    && state.step % options.checkpointInterval == 0
                let isStopping = shouldStop()
                // A finite gradient may make weights that are not, if the learning rate is large.
                let isKept = isDue || isStopping || index + 1 == plan.stepsPerEpoch
                guard try !isKept || parameters.areFinite else {
                    throw TrainingError.notFinite(
                        step: state.step,
                        checkpoint: checkpoint?.existingPath
                    )
                }
                if let checkpoint, isDue || isStopping {
                    try state.capture(parameters, optimizer, rule)
                    try checkpoint.write(state)
                    onEvent(.checkpoint(path: checkpoint.path, step: state.step))
                }
                if isStopping {
                    throw TrainingError.interrupted(
                        step: state.step,
                        checkpoint: checkpoint?.path
                    )
                }
            }
            let start = ContinuousClock.now
            Torch.trimMemory()
            let metrics: Metrics?
            do {
                metrics = try evaluation.map { try evaluate($0, trunks: evaluationTrunks) }
            } catch TrainingError.scoresNotFinite {
                // Weights may be finite and yet too large to compute with.
                throw TrainingError.notFinite(
                    step: state.step,
                    checkpoint: checkpoint?.existingPath
                )
            }
            evaluating += ContinuousClock.now - start
            let isBest = try state.finishEpoch(metrics, metric: metric, parameters)
            if let result = state.epochs.last { onEvent(.evaluated(result, isBest: isBest)) }
            if let patience = options.patience, state.epochsSinceBest >= patience { break epochs }
        }
        return Outcome(
            tensors: try state.bestTensors(parameters.slices).merging(frozen) { $1 },
            steps: state.steps,
            epochs: state.epochs,
            bestEpoch: state.bestEpoch,
            trainingSeconds: training / .seconds(1),
            evaluationSeconds: evaluating / .seconds(1),
            rows: rows,
            tokens: tokens
        )
    }

    /// Scores the parameters as they are now.
    public func evaluate(_ data: EncodedRows) throws -> Metrics {
        try evaluate(data, trunks: nil)
    }

    private func evaluate(_ data: EncodedRows, trunks: TrunkCache?) throws -> Metrics {
        // Smoothing and weights are of training: a score is what `eval` finds.
        let predictions = try model.predictions(
            data,
            loss: TaskLoss(loss.kind),
            workers: workers,
            trunks: trunks
        )
        return try loss.kind.metrics(predictions, of: data, labels: labels)
    }

    /// Confirms, before anything is trained, that the task has the metric that is to choose the
    /// best epoch and that rows can tell by it: otherwise every epoch would count as the best.
    private func check(_ metric: Metric, on data: EncodedRows) throws {
        let outputs = model.head.configuration.outputCount
        let logits = (0..<data.count).map { row in
            let count = loss.kind.valueCount(of: row, in: data, outputs: outputs)
            return [Float](repeating: 0, count: count)
        }
        let blank = try Predictions(logits: logits, loss: 0)
        let metrics = try loss.kind.metrics(blank, of: data, labels: labels)
        if case .numbers(let numbers) = data.targets, Set(numbers).count == 1,
            metric == .pearson || metric == .spearman
        {
            throw TrainingError.settings(
                "all rows of --eval have the number \(numbers[0]), with which nothing correlates"
                    + " (hint: --metric mse)"
            )
        }
        guard metrics[metric] == nil else { return }
        let known = metrics.ordered.map(\.metric.rawValue).joined(separator: ", ")
        throw TrainingError.settings(
            "--metric \(metric.rawValue) is none of this task's (hint: \(known))"
        )
    }
}
