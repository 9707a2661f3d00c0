public import GraftTorch

/// The settings of a training run.
public struct TrainingOptions: Sendable, Hashable, Codable {
    /// How often every row is seen.
    public var epochs = 3
    /// Rows of one optimizer step, over all of its parts.
    public var batchSize = 32
    /// Batches whose gradients are added up before a step.
    public var accumulation = 1
    /// The largest learning rate.
    public var learningRate = 5e-4
    /// How the learning rate falls.
    public var schedule = Schedule.linear
    /// The share of all steps over which the learning rate rises from zero.
    public var warmup = 0.06
    /// Decays and weight decay.
    public var optimizer = AdamW.Settings()
    /// The largest norm of a step's gradient; larger ones are scaled down, and 0 turns that off.
    public var maxGradientNorm = 1.0
    /// Probability mass that is spread evenly over all classes.
    public var labelSmoothing = 0.0
    /// Views of pictures that are drawn in every step; `nil` shows pictures as they are.
    public var augmentation: Augmentation?
    /// Epochs without improvement after which the run ends; `nil` never ends it early.
    public var patience: Int?
    /// The metric that chooses the best epoch; the task's own by default.
    public var metric: Metric?
    /// What starts, shuffles and drops.
    public var seed: UInt64 = 0
    /// Threads that compute parts of a batch.
    public var workers: Int
    /// Steps between checkpoints; 0 writes them only when the run is interrupted.
    public var checkpointInterval = 0

    /// The defaults, which suit adapters on a few thousand rows.
    public init() { workers = Workers.cores }

    /// Confirms that the settings can be used.
    ///
    /// - Throws: ``TrainingError/settings(_:)`` naming the first that cannot.
    func check() throws {
        for (name, value) in [
            ("epochs", epochs), ("batch", batchSize), ("accumulation", accumulation),
            ("workers", workers),
        ] where value < 1 {
            throw TrainingError.settings("--\(name) must be at least 1, found \(value)")
        }
        guard learningRate > 0, learningRate.isFinite else {
            throw TrainingError.settings("--learning-rate must be positive, found \(learningRate)")
        }
        let decay = optimizer.weightDecay
        guard decay >= 0, decay * learningRate < 1 else {
            throw TrainingError.settings(
                "--weight-decay must not be negative, and its product with --learning-rate below 1,"
                    + " found \(decay)"
            )
        }
        if let patience, patience < 1 {
            throw TrainingError.settings("--patience must be at least 1, found \(patience)")
        }
        guard maxGradientNorm >= 0 else {
            throw TrainingError.settings(
                "--max-grad-norm must be 0 (off) or positive, found \(maxGradientNorm)"
            )
        }
        guard (0...1).contains(warmup) else {
            throw TrainingError.settings("--warmup is a share in 0 ... 1, found \(warmup)")
        }
        guard (0..<1).contains(labelSmoothing) else {
            throw TrainingError.settings(
                "--label-smoothing must be in 0 ..< 1, found \(labelSmoothing)"
            )
        }
    }
}

extension TrainingOptions {
    /// The settings as `graft`'s options name them.
    private static let named: [(name: String, text: @Sendable (TrainingOptions) -> String)] = [
        ("epochs", { "\($0.epochs)" }),
        ("batch", { "\($0.batchSize)" }),
        ("accumulation", { "\($0.accumulation)" }),
        ("learning-rate", { "\($0.learningRate)" }),
        ("schedule", { $0.schedule.rawValue }),
        ("warmup", { "\($0.warmup)" }),
        ("weight-decay", { "\($0.optimizer.weightDecay)" }),
        ("max-grad-norm", { "\($0.maxGradientNorm)" }),
        ("label-smoothing", { "\($0.labelSmoothing)" }),
        ("augment", { $0.augmentation?.description ?? "none" }),
        ("patience", { $0.patience?.description ?? "none" }),
        ("metric", { $0.metric?.rawValue ?? "the task's" }),
        ("seed", { "\($0.seed)" }),
        ("workers", { "\($0.workers)" }),
        ("checkpoint-every", { "\($0.checkpointInterval)" }),
    ]

    /// What these settings have that `wanted` have otherwise, with both values: `--epochs 3 instead of 4`.
    package func differences(from wanted: TrainingOptions) -> String {
        let found = TrainingOptions.named.compactMap { name, text in
            text(self) == text(wanted) ? nil : "--\(name) \(text(self)) instead of \(text(wanted))"
        }
        return found.isEmpty ? "other settings" : found.joined(separator: ", ")
    }
}
