/// One row of a data set.
public struct Row: Sendable, Hashable {
    /// The row's own identifier, or its number in the file, from zero.
    public let id: RowID
    /// The line of the file on which the row begins, from one.
    public let line: Int
    /// The text; for tagging, the words with spaces between them; of a conversation the messages' contents, a line each.
    public let text: String
    /// The second text of a pair; of a question the context in which its answer stands.
    public let pair: String?
    /// The words to tag; nil where the input is text.
    public let words: [String]?
    /// The conversation; nil where the input is text.
    public let messages: [RowMessage]?
    /// What may follow the text, one of which is right; nil where there is nothing to choose.
    public let choices: [String]?
    /// The right answer; nil where the schema asks for none.
    public let target: RowTarget?

    /// A row that does not come from a file.
    public init(
        id: RowID,
        line: Int,
        text: String,
        pair: String? = nil,
        words: [String]? = nil,
        messages: [RowMessage]? = nil,
        choices: [String]? = nil,
        target: RowTarget? = nil
    ) {
        (self.id, self.line, self.choices, self.target) = (id, line, choices, target)
        (self.text, self.pair, self.words, self.messages) = (text, pair, words, messages)
    }
}

/// The right answer for a row, as the file gives it.
///
/// Classes are names throughout: the whole number 3 is the class named "3", be it written `3`, `3.0` or
/// `"3"`, so that JSON, CSV and TSV versions of a file mean the same. ``LabelMap`` gives names their numbers.
public enum RowTarget: Sendable, Hashable {
    case category(String)
    case categories([String])
    case number(Double)
    case tags([String])
    case text(String)
    case texts([String])
    /// Answers in the context of a question; none where the question has no answer there.
    case spans([AnswerSpan])
    /// The number of a choice, counted from 0.
    case choice(Int)
}

/// What a row is called: a whole number or a name, kept apart so that predictions carry the id as it was.
public enum RowID: Sendable, Hashable {
    case number(Int)
    case name(String)

    /// The identifier as JSON.
    public var json: JSONValue {
        switch self {
        case .number(let number): .integer(number)
        case .name(let name): .string(name)
        }
    }
}

extension RowID: CustomStringConvertible {
    public var description: String {
        switch self {
        case .number(let number): String(number)
        case .name(let name): name
        }
    }
}

extension RowID {
    /// A whole number if `field`, from a file without types, is written as one; else a name.
    init(field: String) {
        self = wholeNumber(field).map { .number($0) } ?? .name(field)
    }

    /// One text for both kinds, in which a quote marks a name.
    var stored: String {
        switch self {
        case .number(let number): String(number)
        case .name(let name): "\"" + name
        }
    }

    init(stored: String) {
        self = Int(stored).map { .number($0) } ?? .name(String(stored.dropFirst()))
    }
}

/// The number that `text` denotes in the one usual way to write it: not "+7", "007" or "-0".
func wholeNumber(_ text: String) -> Int? {
    guard let number = Int(text), String(number) == text else { return nil }
    return number
}
