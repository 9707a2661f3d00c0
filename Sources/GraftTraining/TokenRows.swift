internal import GraftData
internal import GraftLayers
internal import GraftText
internal import GraftTorch

/// Rows as token ids: 5 bytes a token and some 8 a row.
struct TokenRows: RowInputs {
    private var ids: [Int32] = []
    private var typeIDs: [UInt8] = []
    private var offsets: [Int] = [0]
    /// The token at which each word starts, row by row, counted from the row's first.
    ///
    /// -1 where the word was cut off; empty unless words are tracked.
    private(set) var wordStarts: [[Int32]] = []

    /// No rows.
    init() {}

    /// Encodes the rows of a data set on all cores.
    ///
    /// - Parameters:
    ///   - data: The rows.
    ///   - tokenizer: The model's.
    ///   - maxLength: The most tokens of a row; longer ones are cut as the tokenizer does.
    ///   - tracksWords: Whether rows are words, of which each one's first token is wanted.
    /// - Throws: ``TrainingError`` naming a row without tokens, as an empty text is where a tokenizer puts no
    ///   special tokens around.
    init(
        _ data: Dataset,
        tokenizer: any Tokenizer,
        maxLength: Int,
        tracksWords: Bool
    ) throws(TrainingError) {
        let options = EncodingOptions(maxLength: maxLength, tracksSource: tracksWords)
        offsets.reserveCapacity(data.count + 1)
        // In pieces, so that the texts of a large file are not all in memory at once.
        for first in stride(from: 0, to: data.count, by: 4096) {
            let rows = data[first..<min(first + 4096, data.count)]
            let inputs = rows.map { row -> TextInput in
                if tracksWords { return .words(row.words ?? []) }
                return row.pair.map { .pair(row.text, $0) } ?? .text(row.text)
            }
            for (row, encoding) in zip(rows, tokenizer.encodeBatch(inputs, options: options)) {
                guard !encoding.ids.isEmpty else {
                    throw .settings(
                        "\(data.place(of: row)): the text has no tokens (hint: this model's"
                            + " tokenizer adds none to an empty text; leave the row out)"
                    )
                }
                append(encoding.ids, typeIDs: encoding.typeIDs)
                if tracksWords {
                    wordStarts.append(TokenRows.starts(encoding, words: row.words?.count ?? 0))
                }
            }
        }
    }

    /// Adds a row.
    mutating func append(_ rowIDs: [Int32], typeIDs rowTypeIDs: [Int32]) {
        ids += rowIDs
        typeIDs += rowTypeIDs.map { UInt8(truncatingIfNeeded: $0) }
        offsets.append(ids.count)
    }

    var count: Int { offsets.count - 1 }

    func length(_ row: Int) -> Int { offsets[row + 1] - offsets[row] }

    func batch(_ rows: [Int], device: Device) throws(TorchError) -> any RaggedBatch {
        try tokenBatch(rows, device: device)
    }

    /// Gathers texts; a row's name in the batch is its index here.
    func tokenBatch(_ rows: [Int], device: Device) throws(TorchError) -> TokenBatch {
        try TokenBatch(
            rows: rows.map { row in
                let range = offsets[row]..<offsets[row + 1]
                return (Array(ids[range]), typeIDs[range].map(Int32.init))
            },
            keys: rows.map(Int64.init),
            device: device
        )
    }

    func append(to bytes: inout HashedBytes) {
        bytes.append(offsets)
        bytes.append(ids)
        bytes.append(typeIDs)
    }

    private static func starts(_ encoding: Encoding, words: Int) -> [Int32] {
        var starts = [Int32](repeating: -1, count: words)
        for (token, word) in encoding.wordIDs.enumerated() {
            guard let word, starts[Int(word)] < 0 else { continue }
            starts[Int(word)] = Int32(token)
        }
        return starts
    }
}
