internal import GraftData
internal import GraftLayers
internal import GraftModels
internal import GraftText
internal import GraftTorch

/// Sources, and what a decoder reads of each: a start token and all but the last of the tokens that it is to write.
struct SourceTargetRows: RowInputs {
    var sources = TokenRows()
    var read = TokenRows()

    var count: Int { sources.count }

    func length(_ row: Int) -> Int { sources.length(row) + read.length(row) }

    func limitedLength(_ row: Int) -> Int { sources.length(row) }

    func batch(_ rows: [Int], device: Device) throws(TorchError) -> any RaggedBatch {
        SourceTargetBatch(
            source: try sources.tokenBatch(rows, device: device),
            target: try read.tokenBatch(rows, device: device)
        )
    }

    func append(to bytes: inout HashedBytes) {
        sources.append(to: &bytes)
        read.append(to: &bytes)
    }
}

/// Rows of a source and of the text that answers it, in training: the decoder reads the right answer, one place later.
struct AnswerRows {
    private(set) var rows = SourceTargetRows()
    private(set) var targets = TokenTargets()

    /// What rows are read with.
    struct Reader {
        let tokenizer: any Tokenizer
        /// What the decoder reads in front of an answer.
        let startToken: Int32
        /// What ends an answer; `nil` where the model has no such token.
        let endToken: Int32?
        /// The most tokens of a source; longer ones are cut as the tokenizer does.
        let maxLength: Int
        /// The most tokens of an answer, likewise.
        let maxTargetLength: Int
    }

    /// Encodes the rows of a data set on all cores; of several right answers the first is learned.
    ///
    /// - Throws: ``TrainingError`` naming the line of a row without tokens or without an answer.
    init(_ data: Dataset, _ reader: Reader) throws(TrainingError) {
        rows.sources = try TokenRows(
            data,
            tokenizer: reader.tokenizer,
            maxLength: reader.maxLength,
            tracksWords: false
        )
        let options = EncodingOptions(maxLength: reader.maxTargetLength)
        for first in stride(from: 0, to: data.count, by: 4096) {
            let part = data[first..<min(first + 4096, data.count)]
            let texts = try part.map { row throws(TrainingError) -> TextInput in
                guard case .texts(let answers) = row.target, let answer = answers.first else {
                    throw .settings(
                        "\(data.place(of: row)): the row has no text that answers it"
                            + " (hint: name the column with --label-column)"
                    )
                }
                return .text(answer)
            }
            let encodings = reader.tokenizer.encodeBatch(texts, options: options)
            for (row, encoding) in zip(part, encodings) {
                var ids = encoding.ids
                if let end = reader.endToken, ids.last != end, ids.count < reader.maxTargetLength {
                    ids.append(end)
                }
                guard !ids.isEmpty else {
                    throw .settings("\(data.place(of: row)): the target has no tokens")
                }
                let byteCount = encoding.offsets.map(\.upperBound).max() ?? 0
                append(target: ids, behind: reader.startToken, byteCount: byteCount)
            }
        }
    }

    /// Takes rows that are tokens already.
    init(_ pairs: [(source: [Int32], target: [Int32])], startToken: Int32) {
        for (source, target) in pairs {
            rows.sources.append(source, typeIDs: source.map { _ in 0 })
            append(target: target, behind: startToken, byteCount: 0)
        }
    }

    private mutating func append(target ids: [Int32], behind start: Int32, byteCount: Int) {
        rows.read.append([start] + ids.dropLast(), typeIDs: ids.map { _ in 0 })
        targets.append(wanted: ids, byteCount: byteCount)
    }
}
