package import GraftData
package import GraftFormats
internal import GraftText

/// Questions with their contexts as tokens; a context that is too long for a row becomes several, which overlap.
///
/// Reference: `prepare_train_features` of the examples of `transformers` 4.57, `run_qa.py`.
struct QuestionRows {
    private(set) var rows = TokenRows()
    private(set) var windows: ContextWindows
    /// Where in each window the answer stands; `nil` for rows without answers.
    private(set) var spans: [TokenSpan]?

    private let maxLength: Int
    private let stride: Int

    /// Encodes the rows of a data set on all cores.
    ///
    /// - Parameters:
    ///   - data: Questions, each with a context.
    ///   - tokenizer: The model's.
    ///   - maxLength: The most tokens of a window, with the question.
    ///   - reading: How windows overlap, and whether questions may be without an answer.
    /// - Throws: ``TrainingError`` naming the line of a row whose question leaves no room for the context, or whose answer
    ///   does not stand where it is said to.
    init(
        _ data: Dataset,
        tokenizer: any Tokenizer,
        maxLength: Int,
        reading: ReadingOptions
    ) throws(TrainingError) {
        windows = ContextWindows(acceptsNoAnswer: reading.acceptsNoAnswer)
        (self.maxLength, stride) = (maxLength, reading.stride)
        spans = data.schema.target == nil ? nil : []
        for first in Swift.stride(from: 0, to: data.count, by: 1024) {
            let part = data[first..<min(first + 1024, data.count)]
            let questions = tokenizer.encodeBatch(
                part.map { .text($0.text) },
                options: EncodingOptions(addsSpecialTokens: false, tracksSource: false)
            )
            let pairs = tokenizer.encodeBatch(part.map { .pair($0.text, $0.pair ?? "") })
            for (row, (question, pair)) in zip(part, zip(questions, pairs)) {
                try append(row, pair, questionLength: question.count) { problem in
                    .settings("\(data.place(of: row)): \(problem)")
                }
            }
        }
    }

    /// Takes rows that are tokens already, each a window of its own.
    init(_ questions: [(ids: [Int32], typeIDs: [Int32], span: TokenSpan)]) {
        windows = ContextWindows(acceptsNoAnswer: false)
        (maxLength, stride) = (.max, 0)
        for (ids, typeIDs, _) in questions { rows.append(ids, typeIDs: typeIDs) }
        spans = questions.map(\.span)
    }

    private mutating func append(
        _ row: Row,
        _ pair: Encoding,
        questionLength: Int,
        failure: (String) -> TrainingError
    ) throws(TrainingError) {
        guard let context = row.pair else { throw failure("the question has no context") }
        // What the tokenizer puts around stays in every window.
        guard pair.count > 0 else {
            throw failure("the question and its context have no tokens")
        }
        let own = pair.isSpecial.indices.filter { !pair.isSpecial[$0] }.dropFirst(questionLength)
        let start = own.first ?? pair.count
        let room = maxLength - (pair.count - own.count)
        guard room > 0 else {
            throw failure(
                "the question has \(questionLength) tokens and leaves no room for its context"
                    + " within \(maxLength) (hint: a longer --max-length)"
            )
        }
        guard own.count <= room || stride < room else {
            throw failure(
                "--stride must be less than the \(room) tokens of the context that fit beside the"
                    + " question, found \(stride)"
            )
        }
        let answer = try bytes(of: row, in: context, failure)
        var begin = 0
        while true {
            let end = min(begin + room, own.count)
            let tokens =
                Array(0..<start) + Array(start + begin..<start + end)
                + Array(start + own.count..<max(start + own.count, pair.count))
            rows.append(tokens.map { pair.ids[$0] }, typeIDs: tokens.map { pair.typeIDs[$0] })
            let window = ContextWindows.Window(
                row: windows.contexts.count,
                start: start,
                offsets: Array(pair.offsets[start + begin..<start + end])
            )
            windows.windows.append(window)
            spans?.append(answer.flatMap(window.span) ?? .none)
            guard end < own.count else { break }
            begin += room - stride
        }
        windows.contexts.append(context)
        guard case .spans(let answers) = row.target else { return }
        windows.references.append(answers.isEmpty ? [""] : answers.map(\.text))
    }

    /// Where the answer that is learned stands: the first of several.
    private func bytes(
        of row: Row,
        in context: String,
        _ failure: (String) -> TrainingError
    ) throws(TrainingError) -> Range<Int>? {
        guard case .spans(let answers) = row.target, let answer = answers.first else { return nil }
        guard let bytes = answer.bytes(in: context) else {
            throw failure(
                "the answer '\(answer.text)' does not stand at character \(answer.start) of the context"
            )
        }
        return bytes
    }
}

extension ContextWindows.Window {
    /// The tokens of the row that hold some bytes of the context; `nil` if they are not all in this window.
    func span(_ bytes: Range<Int>) -> TokenSpan? {
        guard let first = offsets.first, let last = offsets.last,
            first.lowerBound <= bytes.lowerBound, last.upperBound >= bytes.upperBound,
            let from = offsets.lastIndex(where: { $0.lowerBound <= bytes.lowerBound }),
            let to = offsets.firstIndex(where: { $0.upperBound >= bytes.upperBound })
        else { return nil }
        return TokenSpan(first: Int32(start + from), last: Int32(start + to))
    }
}

extension ReadingOptions {
    /// The same, but for what the rows to learn from settle: whether questions may be without an answer.
    package func suiting(_ data: Dataset) -> ReadingOptions {
        guard data.schema.target == .spans else { return self }
        var options = self
        options.acceptsNoAnswer = data.contains { $0.target == .spans([]) }
        return options
    }
}
