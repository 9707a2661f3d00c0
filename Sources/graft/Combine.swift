internal import ArgumentParser
internal import GraftAdapters
internal import GraftData
internal import GraftFormats
internal import GraftTorch
internal import GraftTraining

/// The command `graft combine`.
struct Combine: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "combine",
        abstract: "Make one adapter of the weights of several.",
        discussion: """
            Arithmetic over trained adapters of one method on one model; nothing is trained:

              graft combine --operation linear --weights 0.7,0.3 --adapters a=runs/a,b=runs/b --output runs/both
              graft combine --operation scale --weights -1 --adapters runs/a --output runs/without-a
              graft combine --operation ties --density 0.4 --rank 16 --adapters runs/a,runs/b --output runs/both

            For LoRA the updates of the model's weights are added up, exactly: the ranks of the result are the sums. \
            With --rank, and after ties, dare and dare_ties, it is the nearest update of a rank; 'kept' says how much \
            of it that is. For (IA)3 the changes of its scales are added up. Other methods have means alone (linear, \
            with weights that sum to 1), which lie between the adapters and are not the mean of what they compute.

            The head is the adapters' own where all have the same, else that of --head.
            """
    )

    @Option(
        help: ArgumentHelp(
            "What is done: the weighted sum (linear; by default the mean), the sum (add), the first less the others"
                + " (subtract), one adapter times a weight (scale), the sum in a smaller rank (svd), or a sparse"
                + " merge (ties, dare, dare_ties)."
        )
    )
    var operation: WeightArithmetic.Operation

    @Option(
        help: ArgumentHelp(
            "The adapters' folders, each with a name before it where its own does not suit.",
            valueName: "[name=]folder,..."
        )
    )
    var adapters: String

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp(
            "What each adapter is multiplied with (default: for linear and svd the mean, for others 1).",
            valueName: "w,..."
        )
    )
    var weights: String?

    @Option(
        help: "The rank of the result, for LoRA (default: the sum of the ranks; svd needs one)."
    )
    var rank: Int?

    @Option(help: "The share of each adapter's changes that ties, dare and dare_ties leave.")
    var density: Double?

    @Option(
        help:
            "How ties and dare_ties find the stronger sign: by sum (total, the default) or by number (frequency)."
    )
    var sign: WeightArithmetic.SignElection?

    @Option(help: "What dare and dare_ties draw by (default: 0).")
    var seed: UInt64?

    @Option(help: "The name of the adapter whose head the result has.")
    var head: String?

    @Option(
        help: ArgumentHelp("The folder to write; it must be new or empty.", valueName: "folder")
    )
    var output: String

    @Flag(help: "Replace an adapter at --output.")
    var overwrite = false

    @OptionGroup var mismatch: MismatchOption
    @OptionGroup(title: "Output") var common: CommonOptions

    func validate() throws {
        guard sign == nil || operation.electsSigns else {
            throw ValidationError("--sign: '\(operation.rawValue)' elects none (hint: ties)")
        }
        guard seed == nil || operation.isRandom else {
            throw ValidationError("--seed: '\(operation.rawValue)' draws nothing (hint: dare)")
        }
    }

    func run() throws {
        let folder = try OutputFolder(path: output, overwrite: overwrite, start: .new)
        let members = try NamedAdapters(adapters).members
        let arithmetic = try WeightArithmetic(
            operation,
            count: members.count,
            weights: weights.map(Combine.numbers),
            rank: rank,
            density: density,
            election: sign ?? .total,
            seed: seed ?? 0
        )
        var (bundle, kept) = try AdapterBundle.combining(
            members.map { ($0.name, try AdapterOptions.bundle($0.path)) },
            by: arithmetic,
            head: head,
            allowsBaseMismatch: mismatch.allowBaseMismatch
        )
        bundle.provenance["graft"] = Graft.version
        bundle.provenance["libtorch"] = Torch.version
        bundle.provenance["kept"] = String(kept)
        for (name, path) in members {
            bundle.provenance["adapter_" + name] =
                "\(path), sha256 \(try FrozenMembers.hash(ofAdapterAt: path))"
        }
        try folder.write { try bundle.write(into: $0) }
        report(bundle, kept: kept)
    }

    private func report(_ bundle: AdapterBundle, kept: Double) {
        let count = bundle.tensors.filter { $0.key.hasPrefix("adapter.") }
            .reduce(0) { $0 + $1.value.count }
        guard common.json else {
            let share = kept < 1 ? ", \(Figures.percent(kept)) of the changes kept" : ""
            Console.out(
                "\(output): \(bundle.methodName), \(Figures.count(count)) parameters\(share)"
            )
            return
        }
        Console.out(
            .object([
                .init("output", .string(output)), .init("method", .string(bundle.methodName)),
                .init("adapter_parameters", .integer(count)), .init("kept", .number(kept)),
                .init(
                    "provenance",
                    .object(
                        bundle.provenance.sorted { $0.key < $1.key }
                            .map { .init($0.key, .string($0.value)) }
                    )
                ),
            ])
        )
    }

    /// Numbers with commas between.
    private static func numbers(_ text: String) throws -> [Double] {
        try text.commaSeparated.map { part in
            guard let number = Double(part) else {
                throw ValidationError("--weights: '\(part)' is no number")
            }
            return number
        }
    }
}
