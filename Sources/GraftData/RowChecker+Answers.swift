extension RowChecker {
    /// Two texts or more, of which one is to be chosen.
    func choices(_ value: JSONValue?) throws(Problem) -> [String] {
        guard let column = columns.pair else { return [] }
        guard case .array(let elements) = try present(value, in: column) else {
            throw Problem(message: "'\(column)' is no array of texts to choose from")
        }
        guard elements.count > 1 else {
            throw Problem(message: "'\(column)' has \(elements.count) texts: nothing to choose")
        }
        return try elements.map { element throws(Problem) in try string(element, in: column) }
    }

    /// The answers to a question: `[{"text": …, "answer_start": …}]` or `{"text": […], "answer_start": […]}`.
    func spans(_ value: JSONValue?, in column: String) throws(Problem) -> [AnswerSpan] {
        let value = try present(value, in: column)
        let pairs: [(text: JSONValue?, start: JSONValue?)]
        switch value {
        case .array(let elements):
            pairs = try elements.map { element throws(Problem) in
                guard case .object(let members) = element else {
                    throw mismatch(element, in: column, wanted: "an object with text and start")
                }
                return (members.value("text"), members.start)
            }
        case .object(let members):
            guard case .array(let texts) = members.value("text"),
                case .array(let starts) = members.start, texts.count == starts.count
            else {
                throw Problem(
                    message: "'\(column)' needs arrays 'text' and 'answer_start' of one length"
                )
            }
            pairs = zip(texts, starts).map { ($0, $1) }
        default:
            throw mismatch(value, in: column, wanted: "an array of answers")
        }
        return try pairs.map { pair throws(Problem) in
            guard case .string(let text) = pair.text, case .integer(let start) = pair.start,
                start >= 0, start <= Int32.max
            else {
                throw Problem(message: "an answer of '\(column)' needs a text and where it begins")
            }
            guard !text.isEmpty else {
                throw Problem(
                    message: "an answer of '\(column)' is empty"
                        + " (hint: a question without an answer has an empty array)"
                )
            }
            return AnswerSpan(text: text, start: start)
        }
    }
}

extension [JSONValue.Member] {
    /// The value of a member; `nil` unless there is one such.
    fileprivate func value(_ name: String) -> JSONValue? { first { $0.name == name }?.value }

    fileprivate var start: JSONValue? { value("answer_start") ?? value("start") }
}
