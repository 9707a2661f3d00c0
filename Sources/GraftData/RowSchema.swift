/// What to read from each row of a data file, and under which column names.
///
/// The schema is strict both ways: a row that lacks what it asks for is a problem, and a row never
/// yields more than it asks for. So a file without labels can be read for prediction with the
/// schema that a training file has, less its ``target``.
public struct RowSchema: Sendable, Hashable {
    /// What the model reads.
    public enum Input: Sendable, Hashable {
        /// One text, or two where the file has a second text column.
        case text
        /// A list of words, to each of which belongs a tag.
        case words
        /// A picture, of which the row's text is the name.
        case picture
        /// What a model that writes reads and writes: a text, a prompt, or a conversation.
        ///
        /// A string is a text or a prompt, an array of messages a conversation. With `text` as target, a
        /// prompt has a completion; a text may have none. With `texts`, each row is answered by another text.
        case writing
        /// A question and the context in which its answer stands.
        case question
        /// A text, and an array of texts of which one is to follow.
        case choices
    }

    /// What the model should answer.
    public enum Target: Sendable, Hashable {
        /// One class: a name or a whole number.
        case category
        /// Any number of classes: an array of names or whole numbers.
        case categories
        /// A finite number.
        case number
        /// One class per word: an array as long as the words.
        case tags
        /// Text.
        case text
        /// One text or more: a string or an array of such.
        case texts
        /// Answers in the context, in the forms of SQuAD: an array of objects, or an object of arrays, with `text` and
        /// `answer_start` (or `start`); empty where there is no answer.
        case spans
        /// The number of the right choice, counted from 0.
        case choice
    }

    public var input: Input
    /// Nil if rows need no answer; then label columns are not read.
    public var target: Target?
    public var columns: ColumnNames

    /// - Parameters:
    ///   - input: What the model reads.
    ///   - target: What it should answer; nil for rows without labels.
    ///   - columns: Column names that differ from the defaults.
    public init(_ input: Input, target: Target?, columns: ColumnNames = ColumnNames()) {
        (self.input, self.target, self.columns) = (input, target, columns)
    }
}

/// The columns that a file's rows are read from; nil stands for the default.
///
/// In JSON files a column is a member of each row's object; in CSV and TSV files the header names it. Of a
/// default that is optional (second text, id), rows are read without it if it is not there. A column that
/// is named here must be there.
public struct ColumnNames: Sendable, Hashable, Codable {
    /// The text, for tagging the words, for pictures the path of the file.
    ///
    /// By default `text`, for tagging `tokens`, for pictures `image`; for language models the first that is there of
    /// `messages`, `prompt` and `text`; for questions `question`.
    public var text: String?
    /// The second text.
    ///
    /// By default `text_b`, if the file has such a column; for questions `context`, where there is something to choose
    /// `choices`.
    public var pair: String?
    /// The label, labels, tags, target text or completion.
    ///
    /// By default `label`; for tagging `tags`; for several classes `labels` or else `label`; for texts of
    /// pictures `captions`, `caption` or else `text`; for language models `completion`, which rows of
    /// `text` may lack; for models that answer a text with another `target` or else `completion`; for questions `answers`.
    public var label: String?
    /// The row's identifier.
    ///
    /// By default `id`, if the file has such a column; else rows are numbered from 0.
    public var id: String?

    /// Names the columns; each is the default unless given.
    public init(
        text: String? = nil,
        pair: String? = nil,
        label: String? = nil,
        id: String? = nil
    ) {
        (self.text, self.pair, self.label, self.id) = (text, pair, label, id)
    }
}

/// The columns of one file: a schema's, checked against those that the file has.
struct ResolvedColumns: Sendable {
    let text: String
    let pair: String?
    let label: String?
    let id: String?
    /// Optional columns that the file does not have, so that a later row should not either.
    private(set) var absent: [String] = []

    /// Finds the schema's columns among those of `path`, which its line `line` lists.
    init(
        _ schema: RowSchema,
        available: [String],
        path: String,
        line: Int
    ) throws(DataError) {
        func required(
            _ given: String?,
            default names: [String],
            _ option: String
        ) throws(DataError) -> String {
            let candidates = given.map { [$0] } ?? names
            if let name = candidates.first(where: available.contains) { return name }
            throw .missingColumn(
                path: path,
                line: line,
                column: candidates[0],
                option: option,
                available: available
            )
        }
        func optional(
            _ given: String?,
            default name: String,
            _ option: String
        ) throws(DataError) -> String? {
            guard given != nil || available.contains(name) else { return nil }
            return try required(given, default: [name], option)
        }

        let names = schema.columns
        switch schema.input {
        case .text:
            text = try required(names.text, default: ["text"], "--text-column")
            pair = try optional(names.pair, default: "text_b", "--pair-column")
        case .words:
            text = try required(names.text, default: ["tokens"], "--text-column")
            pair = nil
        case .picture:
            text = try required(names.text, default: ["image"], "--image-column")
            pair = nil
        case .question:
            text = try required(names.text, default: ["question"], "--text-column")
            pair = try required(names.pair, default: ["context"], "--pair-column")
        case .choices:
            text = try required(names.text, default: ["text"], "--text-column")
            pair = try required(names.pair, default: ["choices"], "--pair-column")
        case .writing:
            text = try required(
                names.text,
                default: ["messages", "prompt", "text"].filter(available.contains) + ["text"],
                "--text-column"
            )
            pair = nil
        }
        // A prompt without its completion would be learned itself.
        let needsCompletion = text == "prompt" && names.text == nil
        label =
            switch schema.target {
            case nil: nil
            case .text where schema.input == .writing && !needsCompletion:
                try optional(names.label, default: "completion", "--label-column")
            case .category, .number, .text, .choice:
                try required(
                    names.label,
                    default: [schema.input == .writing ? "completion" : "label"],
                    "--label-column"
                )
            case .categories:
                try required(names.label, default: ["labels", "label"], "--label-column")
            case .tags:
                try required(names.label, default: ["tags"], "--label-column")
            case .spans:
                try required(names.label, default: ["answers"], "--label-column")
            case .texts:
                try required(
                    names.label,
                    default: schema.input == .writing
                        ? ["target", "completion"] : ["captions", "caption", "text"],
                    "--label-column"
                )
            }
        id = try optional(names.id, default: "id", "--id-column")
        let isCopy = [.category, .categories, .number].contains(schema.target) && text == label
        guard !isCopy, pair == nil || pair != text && pair != label else {
            throw .malformed(
                path: path,
                line: line,
                reason: "'\(isCopy ? text : pair ?? "")' is named for two columns (hint:"
                    + " --text-column, --pair-column and --label-column)"
            )
        }
        if id == nil { absent.append("id") }
        if pair == nil, schema.input == .text { absent.append("text_b") }
        if label == nil, schema.target == .text { absent.append("completion") }
        absent.removeAll { $0 == text || $0 == label }
    }

    /// Whether a row's value under `name` matters.
    func contains(_ name: String) -> Bool {
        name == text || name == label || name == pair || name == id || absent.contains(name)
    }
}
