public import GraftTorch

/// What is fixed about an attention of a model.
public struct AttentionShape: Sendable {
    /// Query heads.
    public let heads: Int
    /// Key and value heads; fewer than ``heads`` for grouped-query attention.
    public let keyHeads: Int
    /// What scores are multiplied with before the softmax.
    public let scale: Double
    /// Whether a token sees only those before it and itself.
    public let isCausal: Bool
    /// The probability with which an attention weight is dropped in training.
    public let dropout: Double

    /// Describes an attention with heads of a width.
    ///
    /// - Parameters:
    ///   - heads: Query heads.
    ///   - keyHeads: Key and value heads; by default as many.
    ///   - headSize: The width of a head, whose root the scores are divided by.
    ///   - isCausal: Whether a token sees only those before it and itself.
    ///   - dropout: The probability with which an attention weight is dropped in training.
    public init(
        heads: Int,
        keyHeads: Int? = nil,
        headSize: Int,
        isCausal: Bool = false,
        dropout: Double = 0
    ) {
        self.heads = heads
        self.keyHeads = keyHeads ?? heads
        scale = 1 / Double(headSize).squareRoot()
        self.isCausal = isCausal
        self.dropout = dropout
    }
}

extension ForwardContext {
    /// Attends from this context's tokens to those of `keyLayout`, behind what an adapter puts in
    /// front of them.
    ///
    /// - Parameters:
    ///   - query: [tokens, heads · d], tokens as in ``layout``.
    ///   - key: [key tokens, key heads · d], tokens as in `keyLayout`.
    ///   - value: As `key`.
    ///   - keyLayout: How the rows lie in `key` and `value`.
    ///   - input: What the queries were projected from: [tokens, hidden]
    ///   - shape: What is fixed about the attention.
    ///   - site: Which attention.
    /// - Returns: [tokens, heads · d]
    /// - Throws: `TorchError` if sizes do not fit.
    public func attend(
        query: Tensor,
        key: Tensor,
        value: Tensor,
        keyLayout: RaggedLayout,
        input: Tensor,
        _ shape: AttentionShape,
        at site: Site
    ) throws(TorchError) -> Tensor {
        var attention = RaggedAttention(
            queryOffsets: layout.offsets,
            keyOffsets: keyLayout.offsets,
            rowKeys: layout.rowKeys,
            heads: shape.heads,
            keyHeads: shape.keyHeads,
            scale: shape.scale
        )
        attention.isCausal = shape.isCausal
        if let seed = seed(at: site, "weights") {
            attention.dropout = shape.dropout
            attention.seed = seed
        }
        guard let prefix = try adapters.attention[site]?(input, at: site, in: self) else {
            return try attention(query: query, key: key, value: value)
        }
        let (prefixKey, prefixValue) = (
            try prefix.key.converted(to: key.dtype), try prefix.value.converted(to: value.dtype)
        )
        guard let prefixOffsets = prefix.offsets else {
            return try attention(
                query: query,
                key: key,
                value: value,
                prefix: (prefixKey, prefixValue)
            )
        }
        // Prefixes that differ between rows: one more stretch of keys in front of each row's own.
        let order = keyLayout.interleaved(behind: prefixOffsets)
        attention.keyOffsets = order.offsets
        let indices = try Tensor(order.indices).moved(to: key.device)
        return try attention(
            query: query,
            key: Tensor.concatenated([prefixKey, key]).selecting(indices),
            value: Tensor.concatenated([prefixValue, value]).selecting(indices)
        )
    }
}

extension RaggedLayout {
    /// Where the tokens lie that come from a stretch of `prefixes` in front of each row, taken from
    /// all prefixes followed by all tokens.
    func interleaved(behind prefixes: [Int64]) -> (indices: [Int64], offsets: [Int64]) {
        let prefixCount = prefixes.last ?? 0
        var (indices, ends): ([Int64], [Int64]) = ([], [0])
        for row in 0..<rowCount {
            indices += prefixes[row]..<prefixes[row + 1]
            indices += (prefixCount + offsets[row])..<(prefixCount + offsets[row + 1])
            ends.append(Int64(indices.count))
        }
        return (indices, ends)
    }
}
