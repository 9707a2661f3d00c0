internal import ArgumentParser
internal import GraftData
internal import GraftModels

/// How rows are read.
struct DataOptions: ParsableArguments {
    @Option(help: "The column with the text (default: text; for tagging, tokens).")
    var textColumn: String?

    @Option(help: "The column with the second text of a pair (default: text_b, if it is there).")
    var pairColumn: String?

    @Option(help: "The column with the label (default: label; for tagging, tags).")
    var labelColumn: String?

    @Option(help: "The column with the rows' names (default: id, if it is there).")
    var idColumn: String?

    @Option(help: "How rows are written, where the file's name does not tell.")
    var format: DataFormat?

    private var columns: ColumnNames {
        ColumnNames(text: textColumn, pair: pairColumn, label: labelColumn, id: idColumn)
    }

    /// Reads a file for a task.
    ///
    /// - Parameters:
    ///   - path: The file.
    ///   - kind: What is predicted of a row, which tells how text and labels are written.
    ///   - labelled: Whether to read labels too.
    ///   - limit: The most rows to read.
    /// - Returns: The rows.
    /// - Throws: `DataError` naming the file, the line and the column.
    func read(
        _ path: String,
        for kind: HeadKind,
        labelled: Bool,
        limit: Int? = nil
    ) throws -> Dataset {
        let schema = RowSchema(
            kind == .tagging ? .words : .text,
            target: labelled ? kind.target : nil,
            columns: columns
        )
        return try Dataset(contentsOf: path, schema: schema, format: format, limit: limit)
    }

    /// Reads a file's texts.
    func readTexts(_ path: String, split: Bool = false) throws -> Dataset {
        try read(path, for: split ? .tagging : .classification, labelled: false)
    }

    /// Makes rows of texts given as arguments.
    static func rows(_ texts: [String], for kind: HeadKind) throws -> Dataset {
        let lines = texts.map { text -> String in
            let words = text.split(whereSeparator: \.isWhitespace).map {
                JSONValue.string(String($0))
            }
            let row: JSONValue =
                kind == .tagging
                ? .object([.init("tokens", .array(words))])
                : .object([.init("text", .string(text))])
            return row.description
        }
        return try Dataset(
            parsing: Array(lines.joined(separator: "\n").utf8),
            named: "--text",
            schema: RowSchema(kind == .tagging ? .words : .text, target: nil),
            format: .jsonLines
        )
    }
}

extension HeadKind {
    fileprivate var target: RowSchema.Target {
        switch self {
        case .classification: .category
        case .multiLabel: .categories
        case .regression: .number
        case .tagging: .tags
        }
    }
}
