internal import GraftData
internal import GraftModels
internal import GraftText
internal import GraftTraining

/// The rows that speeds are measured with: of a file, or made up.
struct BenchRows {
    /// All rows that may be used.
    let data: Dataset
    /// What they are, for people.
    let summary: String
    /// The file, or `nil` for made-up rows.
    let path: String?
    let kind: HeadKind
    /// The classes, or `nil` for regression.
    let labels: LabelMap?

    private let tokenizer: any Tokenizer
    private let maxLength: Int
    private let read: (Int) throws -> Dataset

    /// The most rows that are read or made.
    static let limit = 4096

    /// - Parameters:
    ///   - command: Where rows come from and what is predicted of them.
    ///   - base: The model, whose vocabulary made-up rows use.
    ///   - maxLength: The longest row in tokens.
    /// - Throws: `DataError` if the file cannot be read.
    init(_ command: Bench, base: BaseModel, maxLength: Int) throws {
        let (options, task) = (command.data, command.task)
        kind = task.task
        path = command.train
        tokenizer = try base.tokenizer
        self.maxLength = maxLength
        if let path {
            read = { try options.read(path, for: task.task, labelled: true, limit: $0) }
            summary = path
        } else {
            let lines = try SyntheticText(base.tokenizer).lines(BenchRows.limit)
            read = { count in
                try Dataset(
                    parsing: Array(lines.prefix(count).joined(separator: "\n").utf8),
                    named: "synthetic rows",
                    schema: RowSchema(.text, target: .category),
                    format: .jsonLines
                )
            }
            summary = "synthetic: \(SyntheticText.summary)"
        }
        data = try read(BenchRows.limit)
        labels = try task.labelMap(of: data)
    }

    /// The first rows, encoded for training.
    func encoded(_ count: Int) throws -> EncodedRows {
        try EncodedRows(
            count < data.count ? read(count) : data,
            tokenizer: tokenizer,
            maxLength: maxLength,
            kind: kind,
            labels: labels
        )
    }

    /// All rows as a tokenizer takes them.
    var inputs: [TextInput] {
        data.map(\.input)
    }
}
