internal import ArgumentParser
internal import GraftData
internal import GraftFormats
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
            once; the modules behind the frozen model train in seconds.

              graft few-shot --model clip --train flowers/train --eval flowers/test --shots 1,4,16 \
            --template 'a photo of a {}, a flower.'

            With --output each is kept as an adapter, which the other commands take:

              graft few-shot --model clip --train flowers/train --eval flowers/test --shots 16 --output runs/flowers
              graft predict --model clip --adapter runs/flowers/tip_adapter_f-16 --image rose.jpg
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

    @Option(
        help: ArgumentHelp(
            "Pictures by which Tip-Adapter's alpha and beta are chosen (default: they are as given).",
            valueName: "file"
        )
    )
    var validation: String?

    @Option(help: ArgumentHelp("Training pictures of each class.", valueName: "1,2,4"))
    var shots = "1,2,4,8,16"

    @Option(help: "What chooses pictures, starts and shuffles.")
    var seed: UInt64 = 0

    @Option(
        help: ArgumentHelp(
            "A folder to keep what was learned in, which must be new or empty.",
            valueName: "folder"
        )
    )
    var output: String?

    @OptionGroup(title: "Zero-shot") var prompts: PromptOptions
    @OptionGroup(title: "Training") var settings: FewShotSettings
    @OptionGroup(title: "Data") var data: RowOptions
    @OptionGroup(title: "Output") var common: CommonOptions

    func run() throws {
        let counts = try shotCounts()
        if let output { try AtomicFolder.check(output, ifExists: .refuse) }
        let base = try model.load()
        _ = try base.imageTextModel
        let (learned, scored) = (try read(train, on: base), try read(evaluation, on: base))
        let names = try prompts.classes ?? LabelMap(of: learned.answers).names
        guard names.count > 1 else {
            throw CommandError(
                "\(train): '\(names[0])' is the only class, and there is nothing to choose from",
                hint: "pictures of two classes or more"
            )
        }
        let classifier = try prompts.classifier(names, on: base, adapter: nil)
        let (pool, asked) = (
            try FewShotRows(learned, classifier, on: base),
            try FewShotRows(scored, classifier, on: base)
        )
        let choosing = try validation.map {
            try FewShotRows(read($0, on: base), classifier, on: base)
        }
        let classes = try NamedClasses(classifier)
        warn(of: pool, names: names, most: counts.max() ?? 0)
        func accuracy(_ module: any FeatureClassifier) throws -> Double {
            try module.accuracy(on: asked.features, labels: asked.labels, classes: classes)
        }
        let zeroShot = try accuracy(ZeroShot())
        let results = try counts.map { count in
            let chosen = try pool.chosen(count, classes: names.count, seed: seed)
            let modules = try FewShotMethod.allCases.map { method in
                let module = try settings.module(
                    method,
                    chosen,
                    choosing: choosing,
                    classes: classes,
                    seed: seed
                )
                return (method, module, try accuracy(module))
            }
            return FewShotResult(shots: count, rows: chosen.labels.count, modules: modules)
        }
        if let output {
            let hash = try TrainingTask.hash(of: learned.answers)
            try keep(results, classes, named: names, trainedOn: hash, base, in: output)
        }
        show(results, zeroShot: zeroShot, classes: names, asked: asked.labels.count)
    }

    /// Writes each module into a folder of its own.
    private func keep(
        _ results: [FewShotResult],
        _ classes: NamedClasses,
        named names: [String],
        trainedOn hash: ContentHash,
        _ base: BaseModel,
        in output: String
    ) throws {
        let common = [
            "train": train, "train_sha256": hash.hexadecimal, "seed": String(seed),
            "validation": validation ?? "none",
            "templates": prompts.templates.isEmpty ? "default" : "\(prompts.templates)",
            "graft": Graft.version, "libtorch": Torch.version,
        ]
        try AtomicFolder.write(to: output, ifExists: .refuse) { folder in
            for result in results {
                for (method, module, accuracy) in result.modules {
                    let own = [
                        "train_rows": String(result.rows), "shots": String(result.shots),
                        "eval_accuracy": String(accuracy),
                    ]
                    let bundle = try base.bundle(
                        module,
                        named: method.rawValue,
                        classes: classes,
                        labels: names,
                        provenance: settings.provenance.merging(common.merging(own) { $1 }) { $1 }
                    )
                    try bundle.write(to: "\(folder)/\(method.rawValue)-\(result.shots)")
                }
            }
        }
    }

    /// Tells what makes the table say less than it seems to.
    private func warn(of pool: FewShotRows, names: [String], most: Int) {
        if train == evaluation {
            common.logger.warning("--eval: the pictures to learn from, which scores say little of")
        }
        guard let smallest = pool.smallestClass(of: names.count), smallest.pictures < most else {
            return
        }
        let name = names[smallest.label]
        common.logger.warning(
            smallest.pictures == 0
                ? "\(train): there is no picture of '\(name)'"
                : "--shots \(most): '\(name)' has \(smallest.pictures) pictures, which are all taken"
        )
    }

    private func shotCounts() throws -> [Int] {
        let parts = shots.commaSeparated
        let counts = parts.compactMap { Int($0) }
        guard counts.count == parts.count, counts.allSatisfy({ $0 > 0 }) else {
            throw ValidationError(
                "--shots: expected positive whole numbers with commas between, found '\(shots)'"
            )
        }
        guard Set(counts).count == counts.count else {
            throw ValidationError("--shots: '\(shots)' names a number twice")
        }
        return counts
    }

    private func read(_ path: String, on base: BaseModel) throws -> TaskRows {
        let rows = try data.read(path, for: .classification, on: base, labelled: true)
        common.warn(rows.warning)
        return rows
    }

    private func show(
        _ results: [FewShotResult],
        zeroShot: Double,
        classes: [String],
        asked: Int
    ) {
        guard !common.json else {
            Console.out(
                .object([
                    .init("zero_shot", .number(zeroShot)),
                    .init("classes", .array(classes.map { .string($0) })),
                    .init("eval_rows", .integer(asked)),
                    .init("results", .array(results.map(\.json))),
                    .init("output", output.map { .string($0) } ?? .null),
                ])
            )
            return
        }
        let head = ["shots", "rows", "zero-shot"] + FewShotMethod.allCases.map(\.title)
        let lines = results.map { result in
            [Figures.count(result.shots), Figures.count(result.rows)]
                + ([zeroShot] + result.modules.map(\.accuracy)).map(Figures.score)
        }
        Console.out("accuracy on \(Figures.count(asked)) pictures of \(classes.count) classes\n")
        Console.out(Table(rows: [head] + lines, rightAligned: Set(0..<head.count)).text)
        if let output {
            let names = FewShotMethod.allCases.map(\.rawValue).joined(separator: ",")
            let counts = results.map { String($0.shots) }.joined(separator: ",")
            Console.out(
                "\nadapters  \(output)/{\(names)}-\(results.count > 1 ? "{\(counts)}" : counts)"
            )
        }
    }
}
