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

    /// The longest row that token keys can tell apart.
    private static let positions: Int64 = 1 << 24

    /// Lays out rows of the given lengths.
    ///
    /// - Parameters:
    ///   - lengths: Tokens of each row.
    ///   - keys: A name for each row; by default its index.
    /// - Throws: `TorchError` if memory runs out.
    public init(lengths: [Int], keys: [Int64]? = nil) throws(TorchError) {
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
            for position in 0..<Int64(length) {
                rows.append(Int64(row))
                tokens.append(rowKeys[row] &* RaggedLayout.positions &+ position)
            }
        }
        self.offsets = offsets
        self.rowKeys = rowKeys
        rowOfToken = try Tensor(rows)
        tokenKeys = try Tensor(tokens)
    }

    private init(offsets: [Int64], rowKeys: [Int64], rowOfToken: Tensor, tokenKeys: Tensor) {
        self.offsets = offsets
        self.rowKeys = rowKeys
        self.rowOfToken = rowOfToken
        self.tokenKeys = tokenKeys
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
        return try x.selecting(Tensor(Array(offsets.dropLast())).moved(to: x.device))
    }

    /// The layout in which only each row's first token is left.
    public func keepingFirstTokens() throws(TorchError) -> RaggedLayout {
        RaggedLayout(
            offsets: (0...rowCount).map(Int64.init),
            rowKeys: rowKeys,
            rowOfToken: try Tensor((0..<rowCount).map(Int64.init)).moved(to: rowOfToken.device),
            tokenKeys: try firstTokens(of: tokenKeys)
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
            tokenKeys: tokenKeys
        )
    }
}

/// A batch of token rows.
public struct TokenBatch: Sendable {
    /// The vocabulary entries of all rows, one after another: int64 [tokens].
    public let ids: Tensor
    /// Which segment of a pair a token belongs to: int64 [tokens].
    public let typeIDs: Tensor
    /// A token's place in its row: int64 [tokens].
    public let positions: Tensor
    /// How the rows lie in the three tensors.
    public let layout: RaggedLayout

    /// Gathers rows.
    ///
    /// - Parameters:
    ///   - rows: Token ids and segment ids of each row, equally long.
    ///   - keys: A name for each row; by default its index.
    ///   - device: Where the batch is computed.
    /// - Throws: `TorchError` if memory runs out or there is no such device.
    public init(
        rows: [(ids: [Int32], typeIDs: [Int32])],
        keys: [Int64]? = nil,
        device: Device = .cpu
    ) throws(TorchError) {
        layout = try RaggedLayout(lengths: rows.map(\.ids.count), keys: keys).moved(to: device)
        ids = try Tensor(rows.flatMap { $0.ids.map(Int64.init) }).moved(to: device)
        typeIDs = try Tensor(rows.flatMap { $0.typeIDs.map(Int64.init) }).moved(to: device)
        positions = try Tensor(rows.flatMap { (0..<$0.ids.count).map(Int64.init) })
            .moved(to: device)
    }
}
