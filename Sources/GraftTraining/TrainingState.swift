internal import GraftAdapters
internal import GraftTorch

/// Everything a run needs to go on exactly where it is, besides its settings and data.
public struct TrainingState: Sendable {
    /// Steps done over the run.
    public private(set) var step = 0
    /// The epoch that is under way, counted from 0.
    public private(set) var epoch = 0
    /// Steps done in it.
    public private(set) var stepInEpoch = 0
    /// The steps done so far.
    public private(set) var steps: [Trainer.LoggedStep] = []
    /// The epochs done so far.
    public private(set) var epochs: [Trainer.EpochResult] = []
    /// The best epoch so far, counted from 1; 0 before the first is done.
    public private(set) var bestEpoch = 0
    /// What the settings were, so that a resumed run is the same run.
    let options: TrainingOptions

    private var values: Tensor
    private var firstMoment: Tensor
    private var secondMoment: Tensor
    private var best: Tensor
    /// What the method's rule between steps remembers.
    private(set) var ruleState: [String: Tensor] = [:]

    /// The state before the first step.
    init(_ parameters: ParameterBuffer, options: TrainingOptions) throws {
        self.options = options
        values = try parameters.snapshot()
        firstMoment = try Tensor(zeros: [parameters.count])
        secondMoment = firstMoment
        best = values
    }

    /// Epochs done since the best one.
    var epochsSinceBest: Int { epochs.count - bestEpoch }

    /// Notes a step that was done.
    mutating func advance(_ logged: Trainer.LoggedStep) {
        steps.append(logged)
        step += 1
        stepInEpoch += 1
    }

    /// Ends an epoch, and keeps its parameters if they are the best so far.
    ///
    /// - Returns: Whether they are.
    mutating func finishEpoch(
        _ metrics: Metrics?,
        metric: Metric,
        _ parameters: ParameterBuffer
    ) throws -> Bool {
        let losses = steps.suffix(stepInEpoch).map(\.loss)
        epoch += 1
        stepInEpoch = 0
        epochs.append(
            Trainer.EpochResult(
                epoch: epoch,
                trainingLoss: losses.reduce(0, +) / Double(max(losses.count, 1)),
                metrics: metrics
            )
        )
        let isBest: Bool
        if let candidate = metrics?[metric], bestEpoch > 0,
            let bestMetrics = epochs[bestEpoch - 1].metrics, let previous = bestMetrics[metric]
        {
            // Of epochs without a figure, the one with the lower loss is kept.
            let losses = candidate.isNaN && previous.isNaN
            isBest =
                losses
                ? Metric.loss.prefers(metrics?[.loss] ?? .nan, over: bestMetrics[.loss] ?? .nan)
                : metric.prefers(candidate, over: previous)
        } else {
            isBest = true
        }
        if isBest {
            best = try parameters.snapshot()
            bestEpoch = epoch
        }
        return isBest
    }

    /// Copies what training changes.
    mutating func capture(
        _ parameters: ParameterBuffer,
        _ optimizer: AdamW,
        _ rule: (any StepRule)?
    ) throws {
        values = try parameters.snapshot()
        firstMoment = try Tensor.concatenated([optimizer.firstMoment])
        secondMoment = try Tensor.concatenated([optimizer.secondMoment])
        ruleState = try rule?.state ?? [:]
    }

    /// Puts the parameters back.
    func restore(into parameters: ParameterBuffer) throws { try parameters.load(values) }

    /// The optimizer as it was, beside the parameters: a stored state lies on the CPU.
    func optimizer(_ settings: AdamW.Settings, for parameters: ParameterBuffer) throws -> AdamW {
        try AdamW(
            for: parameters,
            settings: settings,
            resuming: (firstMoment, secondMoment, step)
        )
    }

    /// The best epoch's parameters by name.
    func bestTensors(_ slices: [ParameterBuffer.Slice]) throws -> [String: Tensor] {
        var tensors: [String: Tensor] = [:]
        for slice in slices {
            tensors[slice.name] = try best.narrowed(slice.range).reshaped(slice.shape)
        }
        return tensors
    }
}

extension TrainingState {
    /// The large parts, by the names under which a checkpoint stores them.
    var tensors: [String: Tensor] {
        let own = [
            "values": values, "first_moment": firstMoment, "second_moment": secondMoment,
            "best": best,
        ]
        return ruleState.reduce(into: own) { $0[TrainingState.ruleFront + $1.key] = $1.value }
    }

    /// What the names of a rule's tensors begin with.
    private static let ruleFront = "rule."

    /// The small parts, as a checkpoint stores them.
    struct Progress: Codable {
        let step: Int
        let epoch: Int
        let stepInEpoch: Int
        let steps: [Trainer.LoggedStep]
        let epochs: [Trainer.EpochResult]
        let bestEpoch: Int
        let options: TrainingOptions
    }

    /// The small parts.
    var progress: Progress {
        Progress(
            step: step,
            epoch: epoch,
            stepInEpoch: stepInEpoch,
            steps: steps,
            epochs: epochs,
            bestEpoch: bestEpoch,
            options: options
        )
    }

    /// Puts a stored state together; `nil` if a large part is missing, the parts differ in size or
    /// the counts contradict each other.
    init?(_ progress: Progress, tensors: [String: Tensor]) {
        guard let values = tensors["values"], let first = tensors["first_moment"],
            let second = tensors["second_moment"], let best = tensors["best"],
            Set([values, first, second, best].map(\.shape)).count == 1,
            progress.step == progress.steps.count, progress.epoch == progress.epochs.count,
            (0...progress.step).contains(progress.stepInEpoch),
            (0...progress.epoch).contains(progress.bestEpoch)
        else { return nil }
        step = progress.step
        epoch = progress.epoch
        stepInEpoch = progress.stepInEpoch
        steps = progress.steps
        epochs = progress.epochs
        bestEpoch = progress.bestEpoch
        options = progress.options
        self.values = values
        firstMoment = first
        secondMoment = second
        self.best = best
        for (name, tensor) in tensors where name.hasPrefix(TrainingState.ruleFront) {
            ruleState[String(name.dropFirst(TrainingState.ruleFront.count))] = tensor
        }
    }
}
