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
        var own = KeyPrefix(key: key, value: value, offsets: keyLayout.offsets)
        if let cache, site.role == .selfAttention {
            let all = try cache.appending(key: key, value: value, layout: keyLayout, at: site)
            own = KeyPrefix(key: all.key, value: all.value, offsets: all.starts, ends: all.ends)
        }
        return try attend(query: query, to: own, input: input, shape, bias: bias, at: site)
    }

    /// Attends from this context's tokens to keys of each row, behind what an adapter puts in front of
    /// them.
    ///
    /// - Parameters:
    ///   - query: [tokens, heads · d], tokens as in ``layout``.
    ///   - own: The keys and values of all rows, with offsets.
    ///   - input: What the queries were projected from: [tokens, hidden]
    ///   - shape: What is fixed about the attention.
    ///   - bias: What is added to scaled scores by distance.
    ///   - site: Which attention.
    /// - Returns: [tokens, heads · d]
    /// - Throws: `TorchError` if sizes do not fit.
    public func attend(
        query: Tensor,
        to own: KeyPrefix,
        input: Tensor,
        _ shape: AttentionShape,
        bias: RelativeBias? = nil,
        at site: Site
    ) throws(TorchError) -> Tensor {
        guard let keyOffsets = own.offsets else {
            preconditionFailure("the keys of \(site) belong to no rows")
        }
        var attention = RaggedAttention(
            queryOffsets: layout.offsets,
            keyOffsets: keyOffsets,
            rowKeys: layout.rowKeys,
            heads: shape.heads,
            keyHeads: shape.keyHeads,
            scale: shape.scale
        )
        attention.keyEnds = own.ends
        attention.isCausal = shape.isCausal
        attention.window = shape.window
        if shape.isCausal || bias != nil { attention.keysBehind = layout.tokensBehind }
        if let seed = seed(at: site, "weights") {
            attention.dropout = shape.dropout
            attention.seed = seed
        }
        let (key, value) = (own.key, own.value)
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
        let all = try KeyPrefix(
            joining: [front, own],
            rows: layout.rowKeys.indices.map { [(0, $0), (1, $0)] }
        )
        attention.keyOffsets = all.offsets ?? keyOffsets
        attention.keyEnds = nil
        attention.keyFronts = prefix.offsets.map { zip($0, $0.dropFirst()).map { $1 - $0 } }
        return try attention(query: query, key: all.key, value: all.value, bias: bias)
    }

    /// What attentions add to scores by distance, computed by the first block that asks.
    ///
    /// - Parameter make: Computes it for rows of up to so many tokens, those of the cache included.
    /// - Returns: The same for all blocks of a pass; the layout must not have been narrowed yet.
    /// - Throws: What `make` throws.
    public mutating func relativeBias(
        _ make: (Int) throws(TorchError) -> RelativeBias
    ) throws(TorchError) -> RelativeBias {
        if let bias { return bias }
        let lengths = (0..<layout.rowCount).map { (cache?.lengths[$0] ?? 0) + layout.length($0) }
        let made = try make(lengths.max() ?? 0)
        bias = made
        return made
    }
}
