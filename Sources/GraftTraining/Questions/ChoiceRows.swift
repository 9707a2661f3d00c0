internal import GraftData
internal import GraftLayers
internal import GraftText
internal import GraftTorch

/// Rows that choose among texts: each choice is a sequence of its own behind the row's text.
///
/// Rows may have different numbers of choices; none is padded.
struct ChoiceRows: RowInputs {
    private var sequences = TokenRows()
    /// Where the choices of each row begin, and where the last one's end.
    private var starts = [0]
    /// The number of each row's right choice; `nil` for rows without.
    private(set) var right: [Int32]?

    /// Encodes the rows of a data set on all cores.
    ///
    /// - Parameters:
    ///   - data: The rows.
    ///   - tokenizer: The model's.
    ///   - maxLength: The most tokens of a text with a choice; longer ones are cut as the tokenizer does.
    /// - Throws: ``TrainingError`` naming a row without choices or without tokens.
    init(_ data: Dataset, tokenizer: any Tokenizer, maxLength: Int) throws(TrainingError) {
        right = data.schema.target == nil ? nil : []
        let options = EncodingOptions(maxLength: maxLength, tracksSource: false)
        for first in stride(from: 0, to: data.count, by: 4096) {
            let part = data[first..<min(first + 4096, data.count)]
            let inputs = part.flatMap { row in
                (row.choices ?? []).map { TextInput.pair(row.text, $0) }
            }
            var encodings = tokenizer.encodeBatch(inputs, options: options)[...]
            for row in part {
                guard let count = row.choices?.count, count > 0 else {
                    throw .settings("\(data.place(of: row)): the row has no choices")
                }
                for encoding in encodings.prefix(count) {
                    guard !encoding.ids.isEmpty else {
                        throw .settings("\(data.place(of: row)): a choice has no tokens")
                    }
                    sequences.append(encoding.ids, typeIDs: encoding.typeIDs)
                }
                encodings.removeFirst(count)
                starts.append(sequences.count)
                if case .choice(let number) = row.target { right?.append(Int32(number)) }
            }
        }
    }

    /// Takes choices that are tokens already.
    init(_ rows: [(sequences: [(ids: [Int32], typeIDs: [Int32])], right: Int32)]) {
        for (choices, _) in rows {
            for (ids, typeIDs) in choices { sequences.append(ids, typeIDs: typeIDs) }
            starts.append(sequences.count)
        }
        right = rows.map(\.right)
    }

    var count: Int { starts.count - 1 }

    func length(_ row: Int) -> Int { choices(row).reduce(0) { $0 + sequences.length($1) } }

    func limitedLength(_ row: Int) -> Int { choices(row).map(sequences.length).max() ?? 0 }

    func sequenceCount(_ row: Int) -> Int { choices(row).count }

    func batch(_ rows: [Int], device: Device) throws(TorchError) -> any RaggedBatch {
        try sequences.tokenBatch(rows.flatMap(choices), device: device)
    }

    func append(to bytes: inout HashedBytes) {
        sequences.append(to: &bytes)
        bytes.append(starts)
    }

    private func choices(_ row: Int) -> Range<Int> { starts[row]..<starts[row + 1] }
}
