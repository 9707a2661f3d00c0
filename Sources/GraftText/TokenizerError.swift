/// Why a tokenizer could not be read from its files.
///
/// Each description is one line that names the file and, where there is one, the field or the line.
public enum TokenizerError: Error, Sendable, Hashable {
    /// The folder holds none of the files that a tokenizer is read from.
    case noTokenizer(folder: String)

    /// A file could not be read.
    case unreadable(file: String, reason: String)

    /// A file that should be JSON is not.
    case notJSON(file: String, line: Int, column: Int, reason: String)

    /// A field is missing, has the wrong type, or contradicts another.
    case invalid(file: String, field: String, problem: String)

    /// A file asks for a kind of tokenizer, or of one of its parts, that Graft does not have.
    case unsupported(file: String, field: String, value: String, supported: [String])

    /// A line of a vocabulary is wrong.
    case invalidLine(file: String, line: Int, problem: String)
}

extension TokenizerError: CustomStringConvertible {
    /// The error in one line.
    public var description: String {
        switch self {
        case .noTokenizer(let folder):
            "\(folder): no tokenizer.json, vocab.json with merges.txt, SentencePiece model or vocab.txt "
                + "here (hint: give the model folder that `save_pretrained` wrote)"
        case .unreadable(let file, let reason):
            "\(file): cannot be read: \(reason)"
        case .notJSON(let file, let line, let column, let reason):
            "\(file):\(line):\(column): not JSON: \(reason) (hint: was the file cut off in transfer?)"
        case .invalid(let file, let field, let problem):
            "\(file): \(field): \(problem)"
        case .unsupported(let file, let field, let value, let supported):
            "\(file): \(field): \(value) is not supported "
                + "(supported: \(supported.joined(separator: ", ")))"
        case .invalidLine(let file, let line, let problem):
            "\(file):\(line): \(problem)"
        }
    }
}
