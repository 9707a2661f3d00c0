public import GraftTorch
internal import Synchronization

/// Layouts of parts of a batch, made once however many sites of a pass ask for them.
final class LayoutParts: Sendable {
    private let rows = Mutex<[Range<Int>: RaggedLayout]>([:])
    private let pieces = Mutex<[[Range<Int>]: RaggedLayout.Pieces]>([:])

    func rows(
        _ range: Range<Int>,
        _ make: () throws(TorchError) -> RaggedLayout
    ) throws(TorchError) -> RaggedLayout {
        if let known = rows.withLock({ $0[range] }) { return known }
        let made = try make()
        rows.withLock { $0[range] = made }
        return made
    }

    func pieces(
        _ ranges: [Range<Int>],
        _ make: () throws(TorchError) -> RaggedLayout.Pieces
    ) throws(TorchError) -> RaggedLayout.Pieces {
        if let known = pieces.withLock({ $0[ranges] }) { return known }
        let made = try make()
        pieces.withLock { $0[ranges] = made }
        return made
    }
}

extension RaggedLayout {
    /// Where the tokens of some rows lie.
    public func tokens(of rows: Range<Int>) -> Range<Int> {
        Int(offsets[rows.lowerBound])..<Int(offsets[rows.upperBound])
    }

    /// The layout of some of the rows.
    public func narrowed(rows: Range<Int>) throws(TorchError) -> RaggedLayout {
        if rows == 0..<rowCount { return self }
        return try parts.rows(rows) { () throws(TorchError) in
            let start = offsets[rows.lowerBound]
            let names = rows.map { row in
                [Int64](repeating: Int64(row - rows.lowerBound), count: length(row))
            }
            return RaggedLayout(
                offsets: offsets[rows.lowerBound...rows.upperBound].map { $0 - start },
                rowKeys: Array(rowKeys[rows]),
                rowOfToken: try Tensor(Array(names.joined())).moved(to: rowOfToken.device),
                tokenKeys: try tokenKeys.narrowed(tokens(of: rows)),
                tokensBehind: tokensBehind.map { Array($0[tokens(of: rows)]) },
                insertedCount: insertedCount
            )
        }
    }

    /// Tokens of a batch by their places in their rows.
    public struct Pieces: Sendable {
        /// For each range of places: its layout, and where its tokens lie in the batch: int64 [n].
        public let parts: [(layout: RaggedLayout, tokens: Tensor)]
        /// For each token of the batch its place among those of all parts: int64 [tokens].
        public let places: Tensor
    }

    /// Takes the tokens of every row apart by their places.
    ///
    /// - Parameter ranges: Places in the rows as they were when the layout was made, so that they
    ///   hold for a layout of first tokens too; each place is in one of them.
    /// - Returns: The parts, of which some may be empty.
    /// - Throws: `TorchError` if memory runs out.
    public func pieces(_ ranges: [Range<Int>]) throws(TorchError) -> Pieces {
        try parts.pieces(ranges) { () throws(TorchError) in
            let keys: [Int64] = try tokenKeys.values()
            let device = rowOfToken.device
            var places = [Int64](repeating: 0, count: tokenCount)
            var count: Int64 = 0
            let parts = try ranges.map { range throws(TorchError) in
                var indices: [Int64] = []
                for row in 0..<rowCount {
                    for token in tokens(of: row..<row + 1) {
                        let position = keys[token] &- rowKeys[row] &* RaggedLayout.positions
                        guard range.contains(Int(position)) else { continue }
                        indices.append(Int64(token))
                        places[token] = count
                        count += 1
                    }
                }
                let layout = try keeping(tokens: indices).layout
                return (layout: layout, tokens: try Tensor(indices).moved(to: device))
            }
            return Pieces(parts: parts, places: try Tensor(places).moved(to: device))
        }
    }
}
