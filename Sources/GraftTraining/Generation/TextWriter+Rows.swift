public import GraftData

extension TextWriter.Prompt {
    /// What a row gives to write on or to answer: its text, or its conversation.
    public init(_ row: Row) { self = row.messages.map { .messages($0) } ?? .text(row.text) }

    /// What comes before the text that a row has for an answer, and the right answers.
    ///
    /// - Parameters:
    ///   - row: A prompt with its completion, a source with its targets, or a conversation that the assistant ends.
    ///   - data: What the row is of.
    /// - Returns: What is to be answered, and at least one answer.
    /// - Throws: ``TrainingError`` naming the line of a row without answer.
    static func asking(
        _ row: Row,
        of data: Dataset
    ) throws(TrainingError) -> (prompt: TextWriter.Prompt, answers: [String]) {
        switch (row.target, row.messages) {
        case (.text(let answer), _): return (.text(row.text), [answer])
        case (.texts(let answers), _): return (.text(row.text), answers)
        case (_, let messages?):
            guard let last = messages.last, last.role == "assistant" else { break }
            return (.messages(Array(messages.dropLast())), [last.content])
        default: break
        }
        throw .settings(
            "\(data.place(of: row)): the row has no answer that a written text could be scored against"
        )
    }
}

extension Predictor.Answer {
    /// A text that a model wrote for an answer.
    public init(text: String) { self.init(logits: [], labels: [text], scores: []) }
}

extension TextWriter {
    /// Writes on, or answers, the rows of a data set.
    ///
    /// - Parameters:
    ///   - data: The rows.
    ///   - workers: How many batches are computed at once.
    /// - Returns: What was written for each.
    /// - Throws: What writing throws, with errors that name the line of a row.
    public func callAsFunction(
        _ data: Dataset,
        workers: Workers = Workers()
    ) throws -> [Answer] {
        try self(
            data.map(Prompt.init),
            workers: workers,
            place: { data.place(of: data[$0]) }
        )
    }

    /// Writes an answer for every row and scores it against the row's own.
    ///
    /// - Parameters:
    ///   - data: Rows with answers.
    ///   - workers: How many batches are computed at once.
    /// - Returns: The metrics of ``textMetrics(_:references:)``.
    /// - Throws: ``TrainingError`` naming the line of a row without answer; or what writing throws.
    public func metrics(_ data: Dataset, workers: Workers = Workers()) throws -> Metrics {
        let asked = try data.map { try Prompt.asking($0, of: data) }
        let written = try self(
            asked.map(\.prompt),
            workers: workers,
            place: { data.place(of: data[$0]) }
        )
        return try textMetrics(written.map(\.text), references: asked.map(\.answers))
    }
}
