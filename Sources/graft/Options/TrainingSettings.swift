internal import ArgumentParser
internal import GraftAdapters
internal import GraftFormats
internal import GraftModels
internal import GraftText
internal import GraftTorch
internal import GraftTraining

/// How a method is trained.
struct TrainingSettings: ParsableArguments {
    @Option(help: "How often all rows are seen.")
    var epochs = 3

    @Option(help: "Rows of one step.")
    var batch = 32

    @Option(help: "Batches whose gradients one step adds up.")
    var accumulation = 1

    @Option(help: "The largest learning rate (default: what suits the method).")
    var learningRate: Double?

    @Option(help: "How the learning rate falls.")
    var schedule = Schedule.linear

    @Option(help: "The share of all steps over which the learning rate rises.")
    var warmup = 0.06

    @Option(help: "Decoupled weight decay.")
    var weightDecay = 0.0

    @Option(help: "The largest norm of a gradient; 0 for any.")
    var maxGradNorm = 1.0

    @Option(help: "Probability that is spread evenly over all classes.")
    var labelSmoothing = 0.0

    @Option(
        help: ArgumentHelp(
            "A weight for each class, or 'balanced' for weights that even out their frequencies.",
            valueName: "1,2.5,..."
        )
    )
    var classWeights: String?

    @Option(
        help: ArgumentHelp(
            "Views of pictures drawn anew in every step: mirrored half of the time, and parts of at least so much of the area (alone, crop is crop=0.08). Evaluation sees pictures whole; states below what is trained are not kept.",
            valueName: "flip,crop=0.5"
        ),
        transform: { try Augmentation($0) }
    )
    var augment: Augmentation?

    @Option(help: "Epochs without improvement after which the run ends.")
    var patience: Int?

    @Option(help: "The metric that chooses the best epoch (default: the task's own).")
    var metric: Metric?

    @Option(
        help:
            "The longest row in tokens; longer ones are cut (default: 128, for causal-lm and seq2seq 512, for windows of question-answering 384, or the model's positions)."
    )
    var maxLength: Int?

    @Option(help: "The longest target of seq2seq in tokens; longer ones are cut (default: 128).")
    var maxTargetLength: Int?

    @Option(
        help:
            "The tokens that neighbouring windows of a long context share, in question-answering (default: 128)."
    )
    var stride: Int?

    @Option(help: "Threads that compute parts of a batch (default: the cores).")
    var workers: Int?

    @Option(
        help: ArgumentHelp(
            "Memory for hidden states below the first trained block, computed once in a run; what does not fit goes to a temporary file, 0 keeps none. The result is the same.",
            valueName: "MB"
        )
    )
    var trunkMemory = 256

    @Option(
        help:
            "Steps between checkpoints; 0 for none but at an interruption (default: an epoch's, at most 500)."
    )
    var checkpointEvery: Int?

    /// The settings as the trainer takes them.
    ///
    /// - Parameters:
    ///   - method: What is trained; it knows which learning rate suits it.
    ///   - rows: The number of training rows.
    ///   - seed: What starts, shuffles and drops.
    /// - Returns: The options, with every default filled in.
    func options(for method: any AdapterMethod, rows: Int, seed: UInt64) -> TrainingOptions {
        var options = TrainingOptions()
        options.epochs = epochs
        options.batchSize = batch
        options.accumulation = accumulation
        options.learningRate = learningRate ?? method.defaultLearningRate
        options.schedule = schedule
        options.warmup = warmup
        options.optimizer.weightDecay = weightDecay
        options.maxGradientNorm = maxGradNorm
        options.labelSmoothing = labelSmoothing
        options.augmentation = augment
        options.patience = patience
        options.metric = metric
        options.seed = seed
        options.workers = workers ?? options.workers
        let perStep = max(1, batch) * max(1, accumulation)
        options.checkpointInterval = checkpointEvery ?? min(500, (rows + perStep - 1) / perStep)
        return options
    }

    /// The longest text for a model; a picture is always as long.
    func longestRow(of base: BaseModel, for kind: HeadKind) throws -> Int {
        guard base.readsImages, kind != .imageText else {
            return try TrainingSettings.longestRow(maxLength, of: kind, on: base)
        }
        guard maxLength == nil else {
            throw ValidationError("--max-length cuts texts, and this model reads pictures")
        }
        return try base.imageTower.tokensPerImage
    }

    /// How else texts are cut for a task.
    func reading(for kind: HeadKind) throws -> ReadingOptions {
        var reading = ReadingOptions()
        if let maxTargetLength {
            guard kind == .seq2seq else {
                throw ValidationError("--max-target-length is of --task seq2seq")
            }
            reading.targetLength = maxTargetLength
        }
        if let stride {
            guard kind == .questionAnswering else {
                throw ValidationError("--stride is of --task question-answering")
            }
            reading.stride = stride
        }
        return reading
    }

    /// What `--max-length` means for a model with so many positions.
    static func longestRow(
        _ maxLength: Int?,
        of kind: HeadKind,
        on base: BaseModel
    ) throws -> Int {
        guard let maxLength else {
            let usual = kind.writesText ? 512 : kind == .questionAnswering ? 384 : 128
            return min(usual, base.shape.positions)
        }
        return try checked(maxLength, on: base)
    }

    /// Confirms that rows of so many tokens suit a model and hold some text.
    static func checked(_ maxLength: Int, on base: BaseModel) throws -> Int {
        let positions = base.shape.positions
        guard (1...positions).contains(maxLength) else {
            throw ValidationError("--max-length must be in 1 ... \(positions) for this model")
        }
        let marks = try base.tokenizer.encode("").count
        guard maxLength > marks else {
            throw ValidationError(
                "--max-length \(maxLength) leaves no room for text: this model's tokenizer marks a row with"
                    + " \(marks) tokens"
            )
        }
        return maxLength
    }

    func validate() throws {
        try checkCounts([
            "patience": patience, "workers": workers, "max-target-length": maxTargetLength,
        ])
        guard (0...1 << 30).contains(trunkMemory) else {
            throw ValidationError("--trunk-memory must be 0 or more, found \(trunkMemory)")
        }
        if let stride, stride < 0 {
            throw ValidationError("--stride must be 0 or more, found \(stride)")
        }
        if let checkpointEvery, checkpointEvery < 0 {
            throw ValidationError("--checkpoint-every must be 0 or more, found \(checkpointEvery)")
        }
    }
}
