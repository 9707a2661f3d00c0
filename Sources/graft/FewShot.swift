internal import ArgumentParser
internal import GraftData
internal import GraftLayers
internal import GraftModels
internal import GraftTorch
internal import GraftTraining
internal import Logging

/// The command `graft few-shot`.
struct FewShot: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "few-shot",
        abstract: "Compare what a CLIP model learns from a few pictures of each class.",
        discussion: """
            Zero-shot classification by the names of classes, a cache of pictures (Tip-Adapter), the same trained \
            (Tip-Adapter-F), and CLIP-Adapter, for several numbers of training pictures a class. Pictures are placed \
            once; the modules behind the frozen model train in seconds, and none is kept.

              graft few-shot --model clip --train flowers/train --eval flowers/test --shots 1,4,16 \
            --template 'a photo of a {}, a flower.'
            """
    )

    @OptionGroup var model: ModelOptions

    @Option(
        help: ArgumentHelp(
            "The pictures to choose from, with classes: a folder, a tar archive, an IDX file or rows.",
            valueName: "file"
        )
    )
    var train: String

    @Option(
        name: .customLong("eval"),
        help: ArgumentHelp("The pictures to score on, likewise.", valueName: "file")
    )
    var evaluation: String

    @Option(help: ArgumentHelp("Training pictures of each class.", valueName: "1,2,4"))
    var shots = "1,2,4,8,16"

    @Option(help: "What chooses pictures, starts and shuffles.")
    var seed: UInt64 = 0

    @OptionGroup(title: "Zero-shot") var prompts: PromptOptions
    @OptionGroup(title: "Training") var settings: FewShotSettings
    @OptionGroup(title: "Data") var data: RowOptions
    @OptionGroup(title: "Output") var common: CommonOptions

    func run() throws {
        let counts = try shotCounts()
        let base = try model.load()
        _ = try base.imageTextModel
        let (learned, scored) = (try read(train, on: base), try read(evaluation, on: base))
        let names = try prompts.classes ?? LabelMap(of: learned.answers).names
        let classifier = try prompts.classifier(names, on: base, adapter: nil)
        let (pool, asked) = (
            try FewShotRows(learned, classifier, on: base),
            try FewShotRows(scored, classifier, on: base)
        )
        let classes = try NamedClasses(classifier)
        if let most = counts.max(), let smallest = pool.smallestClass(of: names.count),
            smallest.pictures < most
        {
            common.logger.warning(
                "--shots \(most): '\(names[smallest.label])' has \(smallest.pictures) pictures, which are all taken"
            )
        }
        func accuracy(_ module: some FeatureClassifier) throws -> Double {
            try module.accuracy(on: asked.features, labels: asked.labels, classes: classes)
        }
        let zeroShot = try accuracy(ZeroShot())
        let rows = try counts.map { count in
            let chosen = try pool.chosen(count, classes: names.count, seed: seed)
            func trained(_ module: some FeatureClassifier) throws -> Double {
                try accuracy(
                    module.trained(
                        on: chosen.features,
                        labels: chosen.labels,
                        classes: classes,
                        options: settings.options(seed: seed)
                    )
                )
            }
            let cache = try TipAdapter(
                features: chosen.features,
                labels: chosen.labels,
                classCount: names.count,
                alpha: settings.alpha,
                beta: settings.beta
            )
            let adapter = try ClipAdapter(
                width: classes.places.size(1),
                reduction: settings.reduction,
                ratio: settings.ratio,
                seed: seed
            )
            return FewShotScores(
                shots: count,
                rows: chosen.labels.count,
                cache: try accuracy(cache),
                trainedCache: try trained(cache),
                adapter: try trained(adapter)
            )
        }
        show(rows, zeroShot: zeroShot, classes: names, asked: asked.labels.count)
    }

    private func shotCounts() throws -> [Int] {
        let parts = shots.commaSeparated
        let counts = parts.compactMap { Int($0) }
        guard counts.count == parts.count, counts.allSatisfy({ $0 > 0 }) else {
            throw ValidationError(
                "--shots: expected positive whole numbers with commas between, found '\(shots)'"
            )
        }
        return counts
    }

    private func read(_ path: String, on base: BaseModel) throws -> TaskRows {
        let rows = try data.read(path, for: .classification, on: base, labelled: true)
        common.warn(rows.warning)
        return rows
    }

    private func show(_ rows: [FewShotScores], zeroShot: Double, classes: [String], asked: Int) {
        guard !common.json else {
            Console.out(
                .object([
                    .init("zero_shot", .number(zeroShot)),
                    .init("classes", .array(classes.map { .string($0) })),
                    .init("eval_rows", .integer(asked)),
                    .init("results", .array(rows.map(\.json))),
                ])
            )
            return
        }
        let head = ["shots", "rows", "zero-shot", "Tip-Adapter", "Tip-Adapter-F", "CLIP-Adapter"]
        let lines = rows.map { row in
            [Figures.count(row.shots), Figures.count(row.rows), Figures.score(zeroShot)]
                + [row.cache, row.trainedCache, row.adapter].map(Figures.score)
        }
        Console.out("accuracy on \(Figures.count(asked)) pictures of \(classes.count) classes\n")
        Console.out(Table(rows: [head] + lines, rightAligned: Set(0..<head.count)).text)
    }
}

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

    /// The settings as training takes them.
    func options(seed: UInt64) -> TrainingOptions {
        var options = TrainingOptions()
        (options.epochs, options.batchSize, options.learningRate) = (epochs, batch, learningRate)
        (options.schedule, options.warmup, options.seed) = (.cosine, 0, seed)
        options.optimizer.weightDecay = 0.01
        return options
    }
}

/// Pictures with a class each, placed by a CLIP model.
private struct FewShotRows {
    let features: Tensor
    let labels: [Int]

    init(_ rows: TaskRows, _ classifier: ZeroShotClassifier, on base: BaseModel) throws {
        labels = try rows.answers.classes(classifier.classes)
        features = try classifier.encoder.images(
            base.encoded(rows, maxLength: 1, kind: .classification, labels: nil)
        )
    }

    private init(features: Tensor, labels: [Int]) {
        (self.features, self.labels) = (features, labels)
    }

    /// The class with the fewest rows.
    func smallestClass(of count: Int) -> (label: Int, pictures: Int)? {
        (0..<count).map { label in (label, labels.count { $0 == label }) }.min { $0.1 < $1.1 }
    }

    /// Some rows of each class, or all where there are not as many.
    func chosen(_ count: Int, classes: Int, seed: UInt64) throws -> FewShotRows {
        let rows = (0..<classes).flatMap { label in
            let own = labels.indices.filter { labels[$0] == label }
            return own.sorted { key($0, seed) < key($1, seed) }.prefix(count)
        }
        return FewShotRows(
            features: try features.selecting(Tensor(rows.map(Int64.init))),
            labels: rows.map { labels[$0] }
        )
    }

    /// Where a row comes in the order of a seed, so that more shots have the fewer among them.
    private func key(_ row: Int, _ seed: UInt64) -> UInt64 {
        StableHash.mix(seed, UInt64(row))
    }
}

/// Accuracies with some pictures of each class.
private struct FewShotScores {
    let shots: Int
    let rows: Int
    let cache: Double
    let trainedCache: Double
    let adapter: Double

    var json: JSONValue {
        .object([
            .init("shots", .integer(shots)), .init("rows", .integer(rows)),
            .init("tip_adapter", .number(cache)),
            .init("tip_adapter_f", .number(trainedCache)),
            .init("clip_adapter", .number(adapter)),
        ])
    }
}
