public import GraftData
package import GraftFormats
public import GraftLayers
public import GraftModels
public import GraftText
public import GraftTorch

/// Rows as token ids with their targets, compactly: 5 bytes a token and some 12 a row.
public struct EncodedRows: Sendable {
    /// What the rows' right answers are.
    public enum Targets: Sendable {
        case none
        /// A class for each row.
        case classes([Int32])
        /// Classes for each row.
        case classLists([[Int]])
        /// A number for each row.
        case numbers([Float])
        /// A class for each token; -100 where none is asked for.
        case tags([Int32])
    }

    private var ids: [Int32] = []
    private var typeIDs: [UInt8] = []
    private var offsets: [Int] = [0]
    /// For tagging: the token at which each word starts, row by row, counted from the row's first;
    /// -1 where the word was cut off.
    let wordStarts: [[Int32]]
    /// What the rows' right answers are.
    public let targets: Targets

    /// Encodes the rows of a data set on all cores.
    ///
    /// - Parameters:
    ///   - data: The rows.
    ///   - tokenizer: The model's.
    ///   - maxLength: The most tokens of a row; longer ones are cut as the tokenizer does.
    ///   - kind: What is predicted.
    ///   - labels: The classes, or `nil` to read no targets.
    /// - Throws: `DataError` if a row has an unknown label.
    public init(
        _ data: Dataset,
        tokenizer: any Tokenizer,
        maxLength: Int,
        kind: HeadKind,
        labels: LabelMap?
    ) throws {
        let isTagging = kind == .tagging
        let options = EncodingOptions(maxLength: maxLength, tracksSource: isTagging)
        var starts: [[Int32]] = []
        offsets.reserveCapacity(data.count + 1)
        // In pieces, so that the texts of a large file are not all in memory at once.
        for first in stride(from: 0, to: data.count, by: 4096) {
            let rows = data[first..<min(first + 4096, data.count)]
            let inputs = rows.map { row -> TextInput in
                if isTagging { return .words(row.words ?? []) }
                return row.pair.map { .pair(row.text, $0) } ?? .text(row.text)
            }
            for (row, encoding) in zip(rows, tokenizer.encodeBatch(inputs, options: options)) {
                ids += encoding.ids
                typeIDs += encoding.typeIDs.map { UInt8(truncatingIfNeeded: $0) }
                offsets.append(ids.count)
                if isTagging {
                    starts.append(EncodedRows.wordStarts(encoding, words: row.words?.count ?? 0))
                }
            }
        }
        wordStarts = starts
        guard data.schema.target != nil else {
            targets = .none
            return
        }
        switch (kind, labels) {
        case (.classification, let labels?):
            targets = .classes(try data.classes(labels).map(Int32.init))
        case (.multiLabel, let labels?):
            targets = .classLists(try data.classLists(labels))
        case (.tagging, let labels?):
            var tags = [Int32](repeating: -100, count: ids.count)
            for (row, classes) in try data.classLists(labels).enumerated() {
                for (word, number) in classes.enumerated() where starts[row][word] >= 0 {
                    tags[offsets[row] + Int(starts[row][word])] = Int32(number)
                }
            }
            targets = .tags(tags)
        case (.regression, _):
            targets = .numbers(data.numbers.map(Float.init))
        case (_, nil):
            targets = .none
        }
    }

    /// The number of rows.
    public var count: Int { offsets.count - 1 }

    /// The number of tokens of all rows.
    public var tokenCount: Int { ids.count }

    /// The number of tokens of one row.
    public func length(_ row: Int) -> Int { offsets[row + 1] - offsets[row] }

    /// Gathers rows into a batch; a row's name in it is its index here.
    public func batch(
        _ rows: some Collection<Int>,
        device: Device = .cpu
    ) throws(TorchError) -> TokenBatch {
        try TokenBatch(
            rows: rows.map { row in
                let range = offsets[row]..<offsets[row + 1]
                return (Array(ids[range]), typeIDs[range].map(Int32.init))
            },
            keys: rows.map(Int64.init),
            device: device
        )
    }

    /// A hash of everything that training sees of these rows: tokens, segments, lengths and targets.
    package var contentHash: ContentHash {
        var bytes: [UInt8] = []
        func append(_ numbers: some Sequence<some FixedWidthInteger>) {
            for number in numbers {
                var rest = UInt64(truncatingIfNeeded: number)
                for _ in 0..<8 {
                    bytes.append(UInt8(truncatingIfNeeded: rest))
                    rest >>= 8
                }
            }
        }
        append(offsets)
        append(ids)
        append(typeIDs)
        switch targets {
        case .none: append([0])
        case .classes(let classes): append([1] + classes)
        case .classLists(let lists): for list in lists { append([2, list.count] + list) }
        case .numbers(let numbers): append([3] + numbers.map { Int($0.bitPattern) })
        case .tags(let tags): append([4] + tags)
        }
        return ContentHash(of: bytes)
    }

    /// The tokens' tags of one row; empty unless the rows have tags.
    func tags(_ row: Int) -> ArraySlice<Int32> {
        guard case .tags(let tags) = targets else { return [] }
        return tags[offsets[row]..<offsets[row + 1]]
    }

    private static func wordStarts(_ encoding: Encoding, words: Int) -> [Int32] {
        var starts = [Int32](repeating: -1, count: words)
        for (token, word) in encoding.wordIDs.enumerated() {
            guard let word, starts[Int(word)] < 0 else { continue }
            starts[Int(word)] = Int32(token)
        }
        return starts
    }
}
