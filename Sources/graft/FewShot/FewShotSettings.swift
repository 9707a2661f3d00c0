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

    @Option(help: "Tip-Adapter: how much the cache counts beside the names.")
    var alpha = 1.0

    @Option(help: "Tip-Adapter: how much alike a picture must be to count.")
    var beta = 5.5

    @Option(help: "CLIP-Adapter: what the width is divided by between its projections.")
    var reduction = 4

    @Option(help: "CLIP-Adapter: the share of what is trained, beside the place as it is.")
    var ratio = 0.2

    func validate() throws {
        try checkCounts(["epochs": epochs, "batch": batch, "reduction": reduction])
    }

    /// What can be learned from some pictures, in the order of `FewShotResult.names`.
    func modules(
        _ chosen: FewShotRows,
        classes: NamedClasses,
        seed: UInt64
    ) throws -> [any FeatureClassifier] {
        func trained(_ module: some FeatureClassifier) throws -> some FeatureClassifier {
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
        return [cache, try trained(cache), try trained(adapter)]
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
