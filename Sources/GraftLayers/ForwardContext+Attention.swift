public import GraftTorch

/// What is fixed about an attention of a model.
public struct AttentionShape: Sendable {
    /// Query heads.
    public let heads: Int
    /// Key and value heads; fewer than ``heads`` for grouped-query attention.
    public let keyHeads: Int
    /// The width of a head.
    public let headSize: Int
    /// What scores are multiplied with before the softmax.
    public let scale: Double
    /// Whether a token sees only those before it and itself.
    public let isCausal: Bool
    /// With causality, how many tokens a token sees, itself included; 0 for all before it.
    public let window: Int
    /// The probability with which an attention weight is dropped in training.
    public let dropout: Double

    /// Describes an attention with heads of a width.
    ///
    /// - Parameters:
    ///   - heads: Query heads.
    ///   - keyHeads: Key and value heads; by default as many.
    ///   - headSize: The width of a head.
    ///   - scale: What scores are multiplied with; by default 1 by the root of `headSize`.
    ///   - isCausal: Whether a token sees only those before it and itself.
    ///   - window: With causality, how many tokens a token sees, itself included; 0 for all.
    ///   - dropout: The probability with which an attention weight is dropped in training.
    public init(
        heads: Int,
        keyHeads: Int? = nil,
        headSize: Int,
        scale: Double? = nil,
        isCausal: Bool = false,
        window: Int = 0,
        dropout: Double = 0
    ) {
        self.heads = heads
        self.keyHeads = keyHeads ?? heads
        self.headSize = headSize
        self.scale = scale ?? 1 / Double(headSize).squareRoot()
        self.isCausal = isCausal
        self.window = window
        self.dropout = dropout
    }
}

extension ForwardContext {
    /// Attends from this context's tokens to those of `keyLayout` and, in self-attention, to those of
    /// the cache before them, behind what an adapter puts in front of all.
    ///
    /// - Parameters:
    ///   - query: [tokens, heads · d], tokens as in ``layout``.
    ///   - key: [key tokens, key heads · d], tokens as in `keyLayout`.
    ///   - value: As `key`.
    ///   - keyLayout: How the rows lie in `key` and `value`.
    ///   - input: What the queries were projected from: [tokens, hidden]
    ///   - shape: What is fixed about the attention.
    ///   - bias: What is added to scaled scores by distance.
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
        bias: RelativeBias? = nil,
        at site: Site
    ) throws(TorchError) -> Tensor {
        var (key, value) = (key, value)
        var (keyOffsets, keyEnds): ([Int64], [Int64]?) = (keyLayout.offsets, nil)
        if let cache, site.role == .selfAttention {
            let all = try cache.appending(key: key, value: value, layout: keyLayout, at: site)
            (key, value, keyOffsets, keyEnds) = (all.key, all.value, all.starts, all.ends)
        }
        var attention = RaggedAttention(
            queryOffsets: layout.offsets,
            keyOffsets: keyOffsets,
            rowKeys: layout.rowKeys,
            heads: shape.heads,
            keyHeads: shape.keyHeads,
            scale: shape.scale
        )
        attention.keyEnds = keyEnds
        attention.isCausal = shape.isCausal
        attention.window = shape.window
        if shape.isCausal || bias != nil { attention.keysBehind = layout.tokensBehind }
        if let seed = seed(at: site, "weights") {
            attention.dropout = shape.dropout
            attention.seed = seed
        }
        guard let prefix = try adapters.attention[site]?(input, at: site, in: self) else {
            return try attention(query: query, key: key, value: value, bias: bias)
        }
        let front = KeyPrefix(
            key: try prefix.key.converted(to: key.dtype),
            value: try prefix.value.converted(to: value.dtype),
            offsets: prefix.offsets
        )
        guard prefix.offsets != nil else {
            return try attention(
                query: query,
                key: key,
                value: value,
                prefix: (front.key, front.value),
                bias: bias
            )
        }
        // Prefixes that differ between rows: one more stretch of keys in front of each row's own.
        let own = KeyPrefix(key: key, value: value, offsets: keyOffsets, ends: keyEnds)
        let all = try KeyPrefix(
            joining: [front, own],
            rows: (0..<keyLayout.rowCount).map { [(0, $0), (1, $0)] }
        )
        attention.keyOffsets = all.offsets ?? keyOffsets
        attention.keyEnds = nil
        attention.keyFronts = prefix.offsets.map { zip($0, $0.dropFirst()).map { $1 - $0 } }
        return try attention(query: query, key: all.key, value: all.value, bias: bias)
    }
}
