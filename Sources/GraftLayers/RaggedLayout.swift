public import GraftTorch

/// How the rows of a batch lie in its hidden states: one after another, without padding.
///
/// Hidden states are [tokens, hidden]; row `r` owns the tokens `offsets[r] ..< offsets[r + 1]`.
/// Every token-wise operation runs on real tokens only.
public struct RaggedLayout: Sendable {
    /// Where each row starts, and where the last ends: `rows + 1` entries.
    public let offsets: [Int64]
    /// A name for each row, the same however a batch is split, on which its dropout masks depend.
    public let rowKeys: [Int64]
    /// The row of each token: int64 [tokens].
    public let rowOfToken: Tensor
    /// A name for each token, likewise; on the CPU, where masks are computed: int64 [tokens].
    public let tokenKeys: Tensor
    /// How many of its row's tokens lay behind each token when the layout was whole; `nil` while it
    /// is, so that the last token has none.
    public let tokensBehind: [Int64]?
    /// How many tokens of each row were inserted.
    let insertedCount: Int
    /// Layouts of parts of the batch that were asked for.
    let parts = LayoutParts()

    /// The longest row that token keys can tell apart.
    static let positions: Int64 = 1 << 24

    /// Lays out rows of the given lengths.
    ///
    /// - Parameters:
    ///   - lengths: Tokens of each row.
    ///   - keys: A name for each row; by default its index.
    ///   - starts: How many tokens of each row were in passes before; by default none.
    /// - Throws: `TorchError` if memory runs out.
    public init(
        lengths: [Int],
        keys: [Int64]? = nil,
        starts: [Int]? = nil
    ) throws(TorchError) {
        let rowKeys = keys ?? (0..<lengths.count).map(Int64.init)
        precondition(rowKeys.count == lengths.count, "a key for each of \(lengths.count) rows")
        var offsets: [Int64] = [0]
        offsets.reserveCapacity(lengths.count + 1)
        var rows: [Int64] = []
        var tokens: [Int64] = []
        let total = lengths.reduce(0, +)
        rows.reserveCapacity(total)
        tokens.reserveCapacity(total)
        for (row, length) in lengths.enumerated() {
            offsets.append(offsets[row] + Int64(length))
            let start = Int64(starts?[row] ?? 0)
            for position in start..<start + Int64(length) {
                rows.append(Int64(row))
                tokens.append(rowKeys[row] &* RaggedLayout.positions &+ position)
            }
        }
        self.offsets = offsets
        self.rowKeys = rowKeys
        rowOfToken = try Tensor(rows)
        tokenKeys = try Tensor(tokens)
        tokensBehind = nil
        insertedCount = 0
    }

    init(
        offsets: [Int64],
        rowKeys: [Int64],
        rowOfToken: Tensor,
        tokenKeys: Tensor,
        tokensBehind: [Int64]?,
        insertedCount: Int
    ) {
        self.offsets = offsets
        self.rowKeys = rowKeys
        self.rowOfToken = rowOfToken
        self.tokenKeys = tokenKeys
        self.tokensBehind = tokensBehind
        self.insertedCount = insertedCount
    }

    /// The number of rows.
    public var rowCount: Int { rowKeys.count }

    /// The number of tokens of all rows.
    public var tokenCount: Int { Int(offsets.last ?? 0) }

    /// The number of tokens of one row.
    public func length(_ row: Int) -> Int { Int(offsets[row + 1] - offsets[row]) }

    /// Each row's first token: [tokens, width] -> [rows, width].
    public func firstTokens(of x: Tensor) throws(TorchError) -> Tensor {
        if (0..<rowCount).allSatisfy({ length($0) == 1 }) { return x }
        try checkRowsHaveTokens()
        return try x.selecting(Tensor(Array(offsets.dropLast())))
    }

    /// Makes room for new tokens in every row.
    ///
    /// - Parameters:
    ///   - count: New tokens of each row.
    ///   - position: How many of a row's tokens stay in front of them.
    /// - Returns: The layout with them; for each of its tokens the place in the new tokens followed
    ///   by those of this layout; and for each token of this layout the place in the new one.
    /// - Throws: `TorchError` if memory runs out.
    func inserting(
        _ count: Int,
        at position: Int
    ) throws(TorchError) -> (layout: RaggedLayout, order: [Int64], kept: [Int64]) {
        let keys: [Int64] = try tokenKeys.values()
        var (ends, order, kept): ([Int64], [Int64], [Int64]) = ([0], [], [])
        var (rows, grownKeys): ([Int64], [Int64]) = ([], [])
        for row in 0..<rowCount {
            let front = min(position, length(row))
            for index in 0..<length(row) + count {
                if (front..<front + count).contains(index) {
                    // Named from the far end of the positions, where no row's own tokens are.
                    let number = Int64(insertedCount + index - front + 1)
                    order.append(Int64(index - front))
                    grownKeys.append((rowKeys[row] &+ 1) &* RaggedLayout.positions &- number)
                } else {
                    let token = Int(offsets[row]) + (index < front ? index : index - count)
                    order.append(Int64(count + token))
                    grownKeys.append(keys[token])
                    kept.append(Int64(rows.count))
                }
                rows.append(Int64(row))
            }
            ends.append(Int64(rows.count))
        }
        let layout = RaggedLayout(
            offsets: ends,
            rowKeys: rowKeys,
            rowOfToken: try Tensor(rows).moved(to: rowOfToken.device),
            tokenKeys: try Tensor(grownKeys),
            tokensBehind: nil,
            insertedCount: insertedCount + count
        )
        return (layout, order, kept)
    }

    /// Keeps some tokens of any row.
    ///
    /// - Parameter indices: Their places in this layout, which rise.
    /// - Returns: The tokens with their own layout.
    /// - Throws: `TorchError` if memory runs out.
    public func keeping(tokens indices: [Int64]) throws(TorchError) -> KeptTokens {
        var (ends, rows): ([Int64], [Int64]) = ([0], [])
        var next = indices.startIndex
        for row in 0..<rowCount {
            while next < indices.endIndex, indices[next] < offsets[row + 1] {
                rows.append(Int64(row))
                next += 1
            }
            ends.append(Int64(next))
        }
        precondition(next == indices.endIndex, "token \(indices[next]) of \(tokenCount)")
        let places = try Tensor(indices)
        let layout = RaggedLayout(
            offsets: ends,
            rowKeys: rowKeys,
            rowOfToken: try Tensor(rows).moved(to: rowOfToken.device),
            tokenKeys: try tokenKeys.selecting(places),
            tokensBehind: zip(indices, rows).map { token, row in
                tokensBehind?[Int(token)] ?? offsets[Int(row) + 1] - 1 - token
            },
            insertedCount: insertedCount
        )
        return KeptTokens(
            layout: layout,
            indices: indices.count == tokenCount
                ? nil : try places.moved(to: rowOfToken.device)
        )
    }

    /// Keeps each row's first token.
    public func keepingFirstTokens() throws(TorchError) -> KeptTokens {
        try checkRowsHaveTokens()
        return try keeping(tokens: Array(offsets.dropLast()))
    }

    /// Keeps each row's last token.
    public func keepingLastTokens() throws(TorchError) -> KeptTokens {
        try checkRowsHaveTokens()
        return try keeping(tokens: offsets.dropFirst().map { $0 - 1 })
    }

    /// A row without tokens has no first one: the next row's would stand for it.
    private func checkRowsHaveTokens() throws(TorchError) {
        guard let row = (0..<rowCount).first(where: { length($0) == 0 }) else { return }
        throw TorchError(
            kind: .invalidArgument,
            operation: "rows",
            message: "row \(row) has no tokens, and so no first and no last one"
        )
    }

    /// The mean over each row's tokens: [tokens, width] -> [rows, width].
    public func rowMeans(_ x: Tensor) throws(TorchError) -> Tensor {
        let inverse = (0..<rowCount).map { 1 / Float(max(length($0), 1)) }
        let scale = try Tensor(inverse, shape: [rowCount, 1])
            .moved(to: x.device, dtype: x.dtype)
        return try x.scatterAdded(to: rowOfToken, rows: rowCount) * scale
    }

    /// Each row's vector for all of its tokens: [rows, width] -> [tokens, width].
    public func repeatedForTokens(_ x: Tensor) throws(TorchError) -> Tensor {
        try x.selecting(rowOfToken)
    }

    /// This layout for hidden states on `device`.
    public func moved(to device: Device) throws(TorchError) -> RaggedLayout {
        RaggedLayout(
            offsets: offsets,
            rowKeys: rowKeys,
            rowOfToken: try rowOfToken.moved(to: device),
            tokenKeys: tokenKeys,
            tokensBehind: tokensBehind,
            insertedCount: insertedCount
        )
    }
}

/// Some of a layout's tokens.
public struct KeptTokens: Sendable {
    /// How they lie without the others.
    public let layout: RaggedLayout
    /// Their places among all; `nil` if they are all: int64 [kept].
    private let indices: Tensor?

    init(layout: RaggedLayout, indices: Tensor?) {
        self.layout = layout
        self.indices = indices
    }

    /// Takes them out of hidden states: [tokens, width] -> [kept, width].
    public func callAsFunction(_ x: Tensor) throws(TorchError) -> Tensor {
        try indices.map { indices throws(TorchError) in try x.selecting(indices) } ?? x
    }
}

/// Rows of whatever a model reads.
public protocol RaggedBatch: Sendable {
    /// How the rows lie.
    var layout: RaggedLayout { get }
}

/// A batch of token rows.
///
/// Ids and positions lie on the CPU whatever the device: they are checked there, and moved by what looks them up.
public struct TokenBatch: RaggedBatch {
    /// The vocabulary entries of all rows, one after another: int64 [tokens].
    public let ids: Tensor
    /// Which segment of a pair a token belongs to: int64 [tokens].
    public let typeIDs: Tensor
    /// A token's place in its row: int64 [tokens].
    public let positions: Tensor
    /// How the rows lie in the three tensors.
    public let layout: RaggedLayout
    /// How many tokens of each row were in batches before.
    public let starts: [Int]

    /// Gathers rows.
    ///
    /// - Parameters:
    ///   - rows: Token ids and segment ids of each row, equally long.
    ///   - keys: A name for each row; by default its index.
    ///   - starts: How many tokens of each row were in batches before; by default none.
    ///   - device: Where the batch is computed.
    /// - Throws: `TorchError` if memory runs out or there is no such device.
    public init(
        rows: [(ids: [Int32], typeIDs: [Int32])],
        keys: [Int64]? = nil,
        starts: [Int]? = nil,
        device: Device = .cpu
    ) throws(TorchError) {
        let starts = starts ?? [Int](repeating: 0, count: rows.count)
        self.starts = starts
        layout = try RaggedLayout(lengths: rows.map(\.ids.count), keys: keys, starts: starts)
            .moved(to: device)
        ids = try Tensor(rows.flatMap { $0.ids.map(Int64.init) })
        typeIDs = try Tensor(rows.flatMap { $0.typeIDs.map(Int64.init) })
        let places = zip(rows, starts).flatMap { row, start in
            (start..<start + row.ids.count).map(Int64.init)
        }
        positions = try Tensor(places)
    }

    private init(ids: Tensor, like other: TokenBatch) {
        self.ids = ids
        (typeIDs, positions, layout) = (other.typeIDs, other.positions, other.layout)
        starts = other.starts
    }

    /// Moves each row one place to the right, so that a decoder reads of it what comes before each token.
    ///
    /// - Parameter start: What the rows then begin with; their last tokens fall away.
    /// - Returns: A batch of this one's layout.
    /// - Throws: `TorchError` if memory runs out.
    public func shiftedRight(behind start: Int32) throws(TorchError) -> TokenBatch {
        var order = (0..<layout.tokenCount).map(Int64.init)
        for row in 0..<layout.rowCount where layout.length(row) > 0 {
            order[Int(layout.offsets[row])] = 0
        }
        let all = try Tensor.concatenated([Tensor([Int64(start)]).moved(to: ids.device), ids])
        return TokenBatch(ids: try all.selecting(Tensor(order)), like: self)
    }
}
