internal import ArgumentParser
internal import GraftData
internal import GraftFormats
internal import GraftModels
internal import GraftTorch
internal import GraftTraining

/// The command `graft merge`.
struct Merge: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "merge",
        abstract: "Fold an adapter into a copy of its model.",
        discussion: """
            The copy is a Hugging Face folder in which the weights do what the model and the adapter did together, at \
            the model's own cost: for LoRA, DoRA, AdaLoRA, (IA)3, VeRA and full fine-tuning. Its head lies beside the weights, \
            as an adapter of the method 'head':

              graft merge --model MiniLM --adapter runs/urgency --output MiniLM-urgency
              graft predict --model MiniLM-urgency --adapter MiniLM-urgency/head --text 'The site is down!'

            Logits before and after are compared; nothing is left behind where they differ by more than --tolerance. \
            Weights keep their element type, so a bfloat16 model rounds what it takes over to 8 bits: the difference \
            is then some hundred times that of float32.
            """
    )

    @OptionGroup var model: ModelOptions

    @Option(help: ArgumentHelp("The adapter's folder.", valueName: "folder"))
    var adapter: String

    @Option(
        help: ArgumentHelp("The folder to write; it must be new or empty.", valueName: "folder")
    )
    var output: String

    @Option(
        name: .customLong("data"),
        help: ArgumentHelp("Rows to compare with (default: made-up ones).", valueName: "file")
    )
    var file: String?

    @Option(help: "Compare with at most this many rows.")
    var limit = 256

    @Option(
        help:
            "The largest difference of a logit, as a share of one above 1 (default: 1e-4; 0.02 for float16 models, 0.2 for bfloat16)."
    )
    var tolerance: Double?

    @OptionGroup var mismatch: MismatchOption
    @OptionGroup(title: "Data") var data: RowOptions
    @OptionGroup(title: "Output") var common: CommonOptions

    func validate() throws {
        try checkCounts(["limit": limit])
        if let tolerance, !(tolerance >= 0) {
            throw ValidationError("--tolerance must be 0 or more, found \(tolerance)")
        }
    }

    func run() throws {
        try AtomicFolder.check(output, ifExists: .refuse)
        let interruption = Interruption.discarding()
        defer { withExtendedLifetime(interruption) {} }
        let base = try model.load()
        let predictor = try Predictor(
            base,
            adapter: AdapterOptions.bundle(adapter),
            named: adapter,
            allowsBaseMismatch: mismatch.allowBaseMismatch
        )
        let rows = try predictor.encode(comparedRows(predictor.bundle, on: base), labelled: false)
        let wanted = try predictor.model.predictions(rows).logits
        let check = try AtomicFolder.write(to: output, ifExists: .refuse) { folder in
            let count = try base.writeMerged(predictor, into: folder)
            let merged = try BaseModel(path: folder, dtype: model.dtype.dtype, device: model.device)
            let identity = try merged.identity().remembered(
                withMessages: predictor.bundle.base.chatTemplate != nil
            )
            let head = try predictor.bundle.headOnly(on: identity)
            try head.write(to: folder + "/head")
            let found = try Predictor(merged, adapter: head).model.predictions(rows).logits
            let frozen = try Predictor(base, adapter: head, allowsBaseMismatch: true).model
                .predictions(rows).logits
            let check = MergeCheck(
                tensors: count,
                rows: rows.count,
                difference: MergeCheck.largestDifference(found, wanted),
                effect: MergeCheck.largestDifference(frozen, wanted),
                tolerance: try tolerance ?? MergeCheck.tolerance(of: folder)
            )
            try check.throwIfTooLarge()
            return check
        }
        if common.json {
            Console.out(check.json(output: output))
        } else {
            Console.out(check.text(output: output))
        }
    }

    private func comparedRows(_ bundle: AdapterBundle, on base: BaseModel) throws -> TaskRows {
        let kind = bundle.head.kind
        if let file {
            return try data.read(
                file,
                for: kind,
                on: base,
                labelled: false,
                limit: limit,
                remembered: bundle.columnNames
            )
        }
        guard !base.readsImages else {
            throw CommandError(
                "\(base.path): the merged model is checked on pictures",
                hint: "name some with --data"
            )
        }
        let phrases = try SyntheticText(base.tokenizer).phrases(limit)
        let others = phrases.reversed().map { $0.joined(separator: " ") }
        let rows = try DataOptions.rows(
            phrases.map { $0.joined(separator: " ") },
            for: kind,
            pairedWith: bundle.readsPairs ? others : nil,
            answeredBy: kind == .seq2seq ? others : nil
        )
        return .texts(rows)
    }
}
