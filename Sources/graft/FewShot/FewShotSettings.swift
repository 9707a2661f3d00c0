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
    }

    /// What can be learned from some pictures, in the order of `FewShotResult.names`.
    ///
    /// - Parameters:
    ///   - chosen: The pictures.
    ///   - choosing: Those by which `alpha` and `beta` are chosen, if any.
    ///   - classes: The classes by name.
    ///   - seed: What starts and shuffles.
    /// - Returns: The modules, trained where they are.
    /// - Throws: `ConfigurationError` naming a setting that cannot be used; ``TrainingError`` if a loss is not finite.
    func modules(
        _ chosen: FewShotRows,
        choosing: FewShotRows?,
        classes: NamedClasses,
        seed: UInt64
    ) throws -> [any FeatureClassifier] {
        func trained<Module: FeatureClassifier>(_ module: Module) throws -> Module {
            try module.trained(
                on: chosen.features,
                labels: chosen.labels,
                classes: classes,
                options: options(seed: seed)
            )
        }
        let cache = try TipAdapter(
            features: chosen.features,
            labels: chosen.labels,
            classCount: classes.places.size(0),
            alpha: alpha,
            beta: beta
        )
        let adapter = try ClipAdapter(
            width: classes.places.size(1),
            reduction: reduction,
            ratio: ratio,
            seed: seed
        )
        func searched(_ cache: TipAdapter) throws -> TipAdapter {
            guard let choosing else { return cache }
            return try cache.searched(
                on: choosing.features,
                labels: choosing.labels,
                classes: classes
            )
        }
        return [try searched(cache), try searched(trained(cache)), try trained(adapter)]
    }

    /// The settings as training takes them.
    private func options(seed: UInt64) -> TrainingOptions {
        var options = TrainingOptions()
        (options.epochs, options.batchSize, options.learningRate) = (epochs, batch, learningRate)
        (options.schedule, options.warmup, options.seed) = (.cosine, 0, seed)
        options.optimizer.weightDecay = 0.01
        return options
    }
}
