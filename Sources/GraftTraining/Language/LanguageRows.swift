internal import GraftData
internal import GraftText

/// Rows of text, prompts or conversations as tokens, with those that a language model is to write.
///
/// Rows are never joined: a ragged batch has no padding that joining would save, and tokens of one row never see those of
/// another.
struct LanguageRows {
    private(set) var rows = TokenRows()
    private(set) var targets = TokenTargets()

    /// What rows are read with.
    struct Reader {
        let tokenizer: any Tokenizer
        /// What ends a completion; `nil` where the model has no such token.
        let endToken: Int32?
        /// How conversations are written; `nil` where the model's folder does not say.
        let template: ChatTemplate?
        /// The most tokens of a row; longer ones lose their end.
        let maxLength: Int
    }

    /// Encodes the rows of a data set on all cores.
    ///
    /// - Throws: ``TrainingError`` naming the line of a row that cannot be written as the model reads it, or of which nothing
    ///   is left to be learned.
    init(_ data: Dataset, _ reader: Reader) throws {
        for first in stride(from: 0, to: data.count, by: 4096) {
            let part = data[first..<min(first + 4096, data.count)]
            let texts = try part.map { row in
                do {
                    return try LanguageRows.text(of: row, reader.template)
                } catch {
                    throw TrainingError.settings("\(data.place(of: row)): \(error)")
                }
            }
            for ((row, text), encoding) in zip(zip(part, texts), reader.encoded(texts)) {
                try append(text, encoding, reader) { problem in
                    .settings("\(data.place(of: row)): \(problem)")
                }
            }
        }
    }

    /// Takes rows that are tokens already.
    init(_ tokens: [(ids: [Int32], isWanted: [Bool])]) {
        for (ids, isWanted) in tokens {
            rows.append(ids, typeIDs: ids.map { _ in 0 })
            targets.append(ids, isWanted: isWanted, byteCount: 0)
        }
    }

    private static func text(of row: Row, _ template: ChatTemplate?) throws -> WrittenText {
        if let messages = row.messages {
            guard let template else { throw WrittenText.noTemplate }
            return try WrittenText(messages, template)
        }
        guard case .text(let completion) = row.target else { return WrittenText(text: row.text) }
        return WrittenText(prompt: row.text, completion: completion)
    }

    private mutating func append(
        _ text: WrittenText,
        _ encoding: Encoding,
        _ reader: Reader,
        failure: (String) -> TrainingError
    ) throws {
        var ids = encoding.ids
        var (isWanted, byteCount) = text.wantedTokens(encoding)
        if let end = reader.endToken, text.isEnded, ids.last != end, ids.count < reader.maxLength {
            ids.append(end)
            isWanted.append(true)
        }
        guard isWanted.dropFirst().contains(true) else {
            throw failure(
                text.wanted?.isEmpty == true
                    ? "there is no message of the assistant to learn"
                    : "nothing is left to learn within \(reader.maxLength) tokens"
                        + " (hint: a longer --max-length, or is the text empty?)"
            )
        }
        rows.append(ids, typeIDs: ids.map { _ in 0 })
        targets.append(ids, isWanted: isWanted, byteCount: byteCount)
    }
}

extension LanguageRows.Reader {
    /// Encodes texts, those with special tokens around and those without each at once.
    fileprivate func encoded(_ texts: [WrittenText]) -> [Encoding] {
        var encodings = [Encoding](repeating: Encoding(), count: texts.count)
        for adds in [true, false] {
            let places = texts.indices.filter { texts[$0].addsSpecialTokens == adds }
            let options = EncodingOptions(maxLength: maxLength, addsSpecialTokens: adds)
            let found = tokenizer.encodeBatch(
                places.map { .text(texts[$0].text) },
                options: options
            )
            for (place, encoding) in zip(places, found) { encodings[place] = encoding }
        }
        return encodings
    }
}

extension WrittenText {
    /// Which tokens are to be written, and how many bytes of text they stand for.
    ///
    /// A token that is partly of a prompt and partly of its completion is to be written. White space that a tokenizer leaves
    /// out of a token's range belongs to the token behind it.
    fileprivate func wantedTokens(_ encoding: Encoding) -> (isWanted: [Bool], byteCount: Int) {
        var (isWanted, byteCount, end, hasBegun) = ([Bool](), 0, 0, false)
        isWanted.reserveCapacity(encoding.count)
        for (token, range) in encoding.offsets.enumerated() {
            // Special tokens around the text have no bytes; behind what is wanted they are wanted too.
            let isIn =
                encoding.isSpecial[token]
                ? hasBegun || wanted == nil
                : wanted?.contains { range.overlaps($0) } ?? true
            let reached = max(end, range.upperBound)
            // The first token is never predicted.
            if isIn, token > 0 { byteCount += reached - end }
            (end, hasBegun) = (reached, hasBegun || isIn)
            isWanted.append(isIn)
        }
        return (isWanted, byteCount)
    }
}
