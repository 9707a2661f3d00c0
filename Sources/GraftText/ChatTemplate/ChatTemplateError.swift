/// Why a chat template cannot be read or rendered.
///
/// Each description is one line that names the template, the line in it and the construct.
public enum ChatTemplateError: Error, Sendable, Hashable {
    /// The template is not well-formed.
    case syntax(line: Int, problem: String)

    /// The template uses something of Jinja that Graft does not have.
    case unsupported(line: Int, construct: String)

    /// An expression has no value, such as a member of an undefined name.
    case evaluation(line: Int, problem: String)

    /// The template called `raise_exception`: it refuses these messages.
    case raised(message: String)
}

extension ChatTemplateError: CustomStringConvertible {
    /// The error in one line.
    public var description: String {
        switch self {
        case .syntax(let line, let problem): "chat template, line \(line): \(problem)"
        case .unsupported(let line, let construct):
            "chat template, line \(line): \(construct) is not supported"
        case .evaluation(let line, let problem): "chat template, line \(line): \(problem)"
        case .raised(let message):
            "the chat template refuses these messages: \(message)"
        }
    }
}
