internal import ArgumentParser
internal import GraftModels
internal import GraftTorch
internal import GraftTraining

/// How modules behind a CLIP model are made and trained.
struct FewShotSettings: ParsableArguments {
    @Option(help: "How often the chosen pictures are seen.")
    var epochs = 20

    @Option(help: "Pictures of one step.")
    var batch = 256

    @Option(help: "The largest learning rate; it falls as a cosine.")
    var learningRate = 1e-3

    @Option(help: "Tip-Adapter: how much the cache counts beside the names, in training too.")
    var alpha = 1.0

    @Option(help: "Tip-Adapter: how much alike a picture must be to count, in training too.")
    var beta = 5.5

    @Option(help: "CLIP-Adapter: what the width is divided by between its projections.")
    var reduction = 4

    @Option(help: "CLIP-Adapter: the share of what is trained, beside the place as it is.")
    var ratio = 0.2

    func validate() throws {
        try checkCounts(["epochs": epochs, "batch": batch, "reduction": reduction])
        func check(_ name: String, _ value: Double, _ wanted: String, _ isGood: Bool) throws {
            guard isGood else {
                throw ValidationError("--\(name) must be \(wanted), found \(value)")
            }
        }
        try check("alpha", alpha, "0 or more", alpha >= 0 && alpha.isFinite)
        try check("beta", beta, "0 or more", beta >= 0 && beta.isFinite)
        try check("ratio", ratio, "from 0 to 1", (0...1).contains(ratio))
        let isRate = learningRate > 0 && learningRate < 1 / FewShotSettings.weightDecay
        try check("learning-rate", learningRate, "positive and below 100", isRate)
    }

    /// What a method learns from some pictures.
    ///
    /// - Parameters:
    ///   - method: The method.
    ///   - chosen: The pictures.
    ///   - choosing: Those by which `alpha` and `beta` are chosen, if any.
    ///   - classes: The classes by name.
    ///   - seed: What starts and shuffles.
    /// - Returns: The module, trained if it is one that is.
    /// - Throws: ``CommandError`` if a loss is not finite.
    func module(
        _ method: FewShotMethod,
        _ chosen: FewShotRows,
        choosing: FewShotRows?,
        classes: NamedClasses,
        seed: UInt64
    ) throws -> any FeatureClassifier {
        func trained<Module: FeatureClassifier>(_ module: Module) throws -> Module {
            do {
                return try module.trained(
                    on: chosen.features,
                    labels: chosen.labels,
                    classes: classes,
                    options: options(seed: seed)
                )
            } catch TrainingError.notFinite(let step, _) {
                throw CommandError(
                    "\(method.title): the loss or a weight is not finite at step \(step)",
                    hint: "lower --learning-rate"
                )
            }
        }
        func searched(_ cache: TipAdapter) throws -> TipAdapter {
            guard let choosing else { return cache }
            return try cache.searched(
                on: choosing.features,
                labels: choosing.labels,
                classes: classes
            )
        }
        func cache() throws -> TipAdapter {
            try TipAdapter(
                features: chosen.features,
                labels: chosen.labels,
                classCount: classes.places.size(0),
                alpha: alpha,
                beta: beta
            )
        }
        switch method {
        case .tipAdapter: return try searched(cache())
        case .trainedTipAdapter: return try searched(trained(cache()))
        case .clipAdapter:
            return try trained(
                ClipAdapter(
                    width: classes.places.size(1),
                    reduction: reduction,
                    ratio: ratio,
                    seed: seed
                )
            )
        }
    }

    /// The settings by their names, as adapters remember how they were made.
    var provenance: [String: String] {
        [
            "epochs": "\(epochs)", "batch": "\(batch)", "learning_rate": "\(learningRate)",
            "alpha": "\(alpha)", "beta": "\(beta)",
        ]
    }

    private static let weightDecay = 0.01

    /// The settings as training takes them.
    private func options(seed: UInt64) -> TrainingOptions {
        var options = TrainingOptions()
        (options.epochs, options.batchSize, options.learningRate) = (epochs, batch, learningRate)
        (options.schedule, options.warmup, options.seed) = (.cosine, 0, seed)
        options.optimizer.weightDecay = FewShotSettings.weightDecay
        return options
    }
}
