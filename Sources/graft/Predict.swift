internal import ArgumentParser
internal import GraftData
internal import GraftFormats
internal import GraftModels
internal import GraftTraining
internal import Logging

/// The command `graft predict`.
struct Predict: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "predict",
        abstract: "Answer for rows or texts with trained adapters.",
        discussion: """
            Prints a JSON object a row:

              graft predict --model MiniLM --adapter runs/urgency --data new.jsonl --output answers.jsonl

              {"id": 7, "label": "high", "scores": {"high": 0.93, "low": 0.02, "normal": 0.05}}

            Several adapters share the model and, where they read rows alike, one pass; --table prints what they say side \
            by side:

              graft predict --model MiniLM --adapter runs/queue --adapter runs/urgency --table \
            --text 'The site is down!'

            Of pictures each has a row, with its path for an id:

              graft predict --model vit --adapter runs/flowers --data new-pictures --skip-broken
              graft predict --model vit --adapter runs/flowers --image rose.jpg --image tulip.png --table

            A CLIP model answers by the names of classes, without an adapter or with one of --task image-text:

              graft predict --model clip --classes daisy,tulip --template 'a photo of a {}, a flower.' \
            --image rose.jpg --table

            An adapter of --task seq2seq answers each row with a text:

              graft predict --model t5-small --adapter runs/german --text 'The sun is rising.' --beams 4

              {"id": 0, "text": "Die Sonne geht auf."}

            Adapters act together as 'stack(a,b)', 'average[weights=[3,1]](a,b)' or 'split[lengths=[8]](a,b)' say; one \
            head answers. Columns have the names that training read, unless others are given.
            """
    )

    @OptionGroup var model: ModelOptions

    @Option(
        name: .customLong("adapter"),
        help: ArgumentHelp(
            "An adapter's folder, or a composition of such: 'stack(a,b)'; may be given several times.",
            valueName: "folder"
        )
    )
    var adapters: [String] = []

    @Option(
        name: .customLong("data"),
        help: ArgumentHelp(
            "The rows: a file; for pictures also a folder, a tar archive or an IDX file.",
            valueName: "file"
        )
    )
    var file: String?

    @OptionGroup var rowLimit: RowLimit

    @Option(name: .customLong("text"), help: "A text; may be given several times.")
    var texts: [String] = []

    @Option(
        name: .customLong("pair"),
        help: ArgumentHelp(
            "The second text of a --text, or the context of a question; one for each, in their order.",
            valueName: "text"
        )
    )
    var pairs: [String] = []

    @Option(
        name: .customLong("image"),
        help: ArgumentHelp("A picture; may be given several times.", valueName: "file")
    )
    var pictures: [String] = []

    @Flag(help: "Print logits too.")
    var logits = false

    @Flag(help: "Print a table for people: a line a row, a column an adapter.")
    var table = false

    @Option(
        help: ArgumentHelp("Where to write (default: the standard output).", valueName: "file")
    )
    var output: String?

    @OptionGroup var adapterOptions: AdapterOptions
    @OptionGroup(title: "Generation") var generation: GenerationSettings
    @OptionGroup(title: "Zero-shot") var prompts: PromptOptions
    @OptionGroup(title: "Data") var data: RowOptions
    @OptionGroup(title: "Output") var common: CommonOptions

    func validate() throws {
        guard [file == nil, texts.isEmpty, pictures.isEmpty].count(where: { !$0 }) == 1 else {
            throw ValidationError("give either --data, --text or --image")
        }
        guard pairs.isEmpty || pairs.count == texts.count else {
            throw ValidationError(
                "--pair: expected one for each --text, found \(pairs.count) for \(texts.count)"
            )
        }
        try rowLimit.check(file: file)
        guard !adapters.isEmpty || prompts.classes != nil else {
            throw ValidationError("missing --adapter (or, for a CLIP model, --classes)")
        }
        guard prompts.classes != nil || prompts.templates.isEmpty else {
            throw ValidationError("--template needs --classes")
        }
        guard prompts.classes == nil || adapters.count < 2 else {
            throw ValidationError("--classes goes with one --adapter or none")
        }
        guard !table || (!common.json && output == nil && !logits) else {
            throw ValidationError("--table goes with neither --json, --output nor --logits")
        }
    }

    func run() throws {
        let output = try OutputFile.checked(output)
        let base = try model.load()
        let predictors = try adapters.map { (name: $0, try adapterOptions.predictor($0, on: base)) }
        if let option = try generation.given,
            !predictors.contains(where: { $0.1.bundle.head.kind == .seq2seq })
        {
            throw CommandError(
                "\(option): no adapter here answers with texts",
                hint: "those of --task seq2seq do"
            )
        }
        let zeroShot = try prompts.classes.map { classes in
            try answersByName(of: classes, adapter: predictors.first?.1, on: base)
        }
        let answered = try zeroShot.map { [$0] } ?? answers(of: predictors, on: base)
        if table {
            Console.out(AnsweredRows.table(answered).text)
            return
        }
        let writer = try output.map { try RowWriter(path: $0) } ?? RowWriter()
        for part in answered {
            for row in part.rows.indices {
                let name = answered.count > 1 ? part.adapter : nil
                try writer.write(part.json(row, adapter: name, logits: logits))
            }
        }
        try writer.finish()
    }

    /// What adapters say, those that read rows alike in one pass.
    private func answers(
        of predictors: [(name: String, Predictor)],
        on base: BaseModel
    ) throws -> [AnsweredRows] {
        if let (name, _) = predictors.first(where: { $1.bundle.head.kind == .imageText }) {
            throw CommandError(
                "\(name): an adapter of pairs of images and texts has no classes",
                hint: "name some with --classes, or score it with graft eval"
            )
        }
        var answered: [Int: AnsweredRows] = [:]
        for group in Predictor.groups(predictors.map(\.1)) {
            let members = group.map { predictors[$0].1 }
            guard members[0].bundle.head.kind != .seq2seq else {
                let (name, predictor) = predictors[group[0]]
                answered[group[0]] = try writtenAnswers(predictor, named: name, on: base)
                continue
            }
            let rows = try inputRows(
                for: members[0].bundle.head.kind,
                on: base,
                remembered: members[0].bundle.columnNames
            )
            let encoded = try members[0].encode(rows, labelled: false)
            common.warn(
                CutRows.warning(
                    encoded,
                    limit: members[0].bundle.maxLength,
                    path: rows.answers.path,
                    of: "the adapter"
                )
            )
            for (index, answers) in zip(group, try Predictor.answers(of: members, encoded)) {
                answered[index] = AnsweredRows(
                    adapter: predictors[index].name,
                    kind: predictors[index].1.bundle.head.kind,
                    rows: rows.answers,
                    answers: answers
                )
            }
        }
        return predictors.indices.compactMap { answered[$0] }
    }

    /// What a CLIP model makes of the rows.
    private func answersByName(
        of classes: [String],
        adapter: Predictor?,
        on base: BaseModel
    ) throws -> AnsweredRows {
        let classifier = try prompts.classifier(classes, on: base, adapter: adapter)
        let rows = try inputRows(for: .classification, on: base)
        let encoded = try base.encoded(rows, maxLength: 1, kind: .classification, labels: nil)
        return AnsweredRows(
            adapter: adapters.first ?? "zero-shot",
            kind: .classification,
            rows: rows.answers,
            answers: try classifier.answers(encoded)
        )
    }

    /// What a model writes for the rows, which need no targets.
    private func writtenAnswers(
        _ predictor: Predictor,
        named name: String,
        on base: BaseModel
    ) throws -> AnsweredRows {
        let kind = predictor.bundle.head.kind
        let rows =
            try file.map {
                try data.columns.readPrompts(
                    $0,
                    limit: rowLimit.limit,
                    remembered: predictor.bundle.columnNames
                )
            }
            ?? data.rows(texts: texts, pairs: pairs, pictures: pictures, for: kind, on: base)
            .answers
        let writer = try generation.writer(base, predictor)
        let written = try writer(rows)
        let limit = predictor.bundle.maxLength
        common.warn(
            CutRows.warning(
                written.count { $0.promptTokenCount >= limit },
                of: rows.count,
                "rows",
                limit: limit,
                path: rows.path,
                of: "the adapter"
            )
        )
        return AnsweredRows(
            adapter: name,
            kind: kind,
            rows: rows,
            answers: written.map { Predictor.Answer(text: $0.text) }
        )
    }

    private func inputRows(
        for kind: HeadKind,
        on base: BaseModel,
        remembered: ColumnNames = ColumnNames()
    ) throws -> TaskRows {
        let rows =
            try file.map {
                try data.read(
                    $0,
                    for: kind,
                    on: base,
                    labelled: false,
                    limit: rowLimit.limit,
                    remembered: remembered
                )
            } ?? data.rows(texts: texts, pairs: pairs, pictures: pictures, for: kind, on: base)
        common.warn(rows.warning)
        return rows
    }
}
