internal import ArgumentParser
internal import GraftData
internal import GraftModels

/// How rows are read.
struct DataOptions: ParsableArguments {
    @Option(
        name: [.long, .customLong("image-column")],
        help:
            "The column with the text, or the path of the picture (default: text; for tagging, tokens; for pictures, image; for causal-lm and seq2seq the first there is of messages, prompt, text; for question-answering, question)."
    )
    var textColumn: String?

    @Option(
        help:
            "The column with the second text of a pair (default: text_b, if it is there; for question-answering, context; for multiple-choice the array of choices, choices)."
    )
    var pairColumn: String?

    @Option(
        help:
            "The column with the label (default: label; for tagging, tags; for image-text, captions, caption or text; for causal-lm, completion; for seq2seq, target or completion; for question-answering, answers)."
    )
    var labelColumn: String?

    @Option(help: "The column with the rows' names (default: id, if it is there).")
    var idColumn: String?

    @Option(help: "How rows are written, where the file's name does not tell.")
    var format: DataFormat?

    /// The columns that the user names, and for the others those that an adapter was trained on.
    private func columns(remembered: ColumnNames) -> ColumnNames {
        ColumnNames(
            text: textColumn ?? remembered.text,
            pair: pairColumn ?? remembered.pair,
            label: labelColumn ?? remembered.label,
            id: idColumn
        )
    }

    /// Reads a file for a task.
    ///
    /// - Parameters:
    ///   - path: The file.
    ///   - kind: What is predicted of a row, which tells how text and labels are written.
    ///   - labelled: Whether to read labels too.
    ///   - limit: The most rows to read.
    ///   - remembered: The columns that an adapter was trained on.
    /// - Returns: The rows.
    /// - Throws: `DataError` naming the file, the line and the column.
    func read(
        _ path: String,
        for kind: HeadKind,
        labelled: Bool,
        limit: Int? = nil,
        remembered: ColumnNames = ColumnNames()
    ) throws -> Dataset {
        let schema = self.schema(
            kind.input,
            for: kind,
            labelled: labelled,
            remembered: remembered
        )
        return try Dataset(contentsOf: path, schema: schema, format: format, limit: limit)
    }

    /// What to read of each row for a task.
    func schema(
        _ input: RowSchema.Input,
        for kind: HeadKind,
        labelled: Bool,
        remembered: ColumnNames
    ) -> RowSchema {
        RowSchema(
            input,
            target: labelled || kind.writesText ? kind.target : nil,
            columns: columns(remembered: remembered)
        )
    }

    /// Reads a file's texts.
    func readTexts(_ path: String, split: Bool = false, limit: Int? = nil) throws -> Dataset {
        let kind: HeadKind = split ? .tagging : .classification
        return try read(path, for: kind, labelled: false, limit: limit, remembered: ColumnNames())
    }

    /// Reads what a language model is to go on from: texts, prompts or conversations.
    func readPrompts(_ path: String, limit: Int?, remembered: ColumnNames) throws -> Dataset {
        let schema = RowSchema(.writing, target: nil, columns: columns(remembered: remembered))
        return try Dataset(contentsOf: path, schema: schema, format: format, limit: limit)
    }

    /// Makes rows of texts given as arguments.
    ///
    /// - Parameters:
    ///   - texts: The texts; for tagging their words are what white space separates.
    ///   - kind: What is predicted of them.
    ///   - pairs: The second text of each row, where rows have two; the context of a question.
    ///   - answers: The text that answers each row, where one does.
    /// - Returns: The rows.
    /// - Throws: ``CommandError`` if rows of the task have no second text, or lack more than one; `DataError` if a text
    ///   is no row.
    static func rows(
        _ texts: [String],
        for kind: HeadKind,
        pairedWith pairs: [String]? = nil,
        answeredBy answers: [String]? = nil
    ) throws -> Dataset {
        guard kind != .multipleChoice, kind != .questionAnswering || pairs != nil else {
            throw CommandError(
                "a row of \(kind.rawValue) is more than a text",
                hint: kind == .multipleChoice
                    ? "--data, with columns text and choices"
                    : "--pair with the context of each question, or --data"
            )
        }
        let (textName, pairName): (String, String?) =
            switch kind.input {
            case .text: ("text", "text_b")
            case .words: ("tokens", nil)
            case .question: ("question", "context")
            case .picture, .writing, .choices: ("text", nil)
            }
        guard pairs == nil || pairName != nil else {
            throw CommandError("--pair: a row of \(kind.rawValue) has no second text")
        }
        let lines = texts.indices.map { row -> String in
            let words = texts[row].split(whereSeparator: \.isWhitespace)
            var members = [
                JSONValue.Member(
                    textName,
                    kind.input == .words
                        ? .array(words.map { .string(String($0)) }) : .string(texts[row])
                )
            ]
            if let pairs, let pairName { members.append(.init(pairName, .string(pairs[row]))) }
            if let answers { members.append(.init("target", .string(answers[row]))) }
            return JSONValue.object(members).description
        }
        return try Dataset(
            parsing: Array(lines.joined(separator: "\n").utf8),
            named: "--text",
            schema: RowSchema(kind.input, target: answers == nil ? nil : kind.target),
            format: .jsonLines
        )
    }
}

extension HeadKind {
    fileprivate var input: RowSchema.Input {
        switch self {
        case .classification, .multiLabel, .regression, .imageText: .text
        case .tagging: .words
        case .causalLM, .seq2seq: .writing
        case .questionAnswering: .question
        case .multipleChoice: .choices
        }
    }

    fileprivate var target: RowSchema.Target {
        switch self {
        case .classification: .category
        case .multiLabel: .categories
        case .regression: .number
        case .tagging: .tags
        case .imageText, .seq2seq: .texts
        case .causalLM: .text
        case .questionAnswering: .spans
        case .multipleChoice: .choice
        }
    }
}
