internal import CGraftTorch

/// The shape of an attention over rows of different lengths that lie one after another.
public struct RaggedAttention: Sendable {
    /// Where each row's queries start, and where the last ends: `rows + 1` entries.
    public var queryOffsets: [Int64]
    /// Where each row's keys start, and where the last ends: `rows + 1` entries.
    public var keyOffsets: [Int64]
    /// Names of the rows: what a row's dropout mask depends on.
    public var rowKeys: [Int64]
    /// Query heads; the width of the queries divides by it.
    public var heads: Int
    /// Key and value heads; fewer than `heads` for grouped-query attention.
    public var keyHeads: Int
    /// What scores are multiplied with before the softmax.
    public var scale: Double
    /// Whether a query sees only keys up to its own position; last query and last key align.
    public var isCausal = false
    /// The probability with which an attention weight is dropped.
    public var dropout = 0.0
    /// What distinguishes this place and step from others.
    public var seed: UInt64 = 0

    /// Creates a shape without dropout or causality.
    public init(
        queryOffsets: [Int64],
        keyOffsets: [Int64],
        rowKeys: [Int64],
        heads: Int,
        keyHeads: Int,
        scale: Double
    ) {
        self.queryOffsets = queryOffsets
        self.keyOffsets = keyOffsets
        self.rowKeys = rowKeys
        self.heads = heads
        self.keyHeads = keyHeads
        self.scale = scale
    }

    /// `softmax(scale · Q Kᵀ) V` for each row and head, without padding.
    ///
    /// - Parameters:
    ///   - query: [query tokens, heads · d]
    ///   - key: [key tokens, key heads · d]
    ///   - value: As `key`.
    ///   - prefix: Keys and values [length, key heads · d] in front of those of every row.
    /// - Returns: [query tokens, heads · d]
    /// - Throws: ``TorchError`` of kind `invalidArgument` if sizes do not fit.
    public func callAsFunction(
        query: Tensor,
        key: Tensor,
        value: Tensor,
        prefix: (key: Tensor, value: Tensor)? = nil
    ) throws(TorchError) -> Tensor {
        let rows = queryOffsets.count - 1
        precondition(
            rows >= 0 && keyOffsets.count == rows + 1 && rowKeys.count == rows,
            "offsets and keys of \(rows) rows"
        )
        return try Tensor.call("attention", on: [query, key, value]) { out in
            unsafe queryOffsets.withUnsafeBufferPointer { queryOffsets in
                unsafe keyOffsets.withUnsafeBufferPointer { keyOffsets in
                    unsafe rowKeys.withUnsafeBufferPointer { rowKeys in
                        guard let firstQuery = queryOffsets.baseAddress,
                            let firstKey = keyOffsets.baseAddress
                        else { return gt_status(GT_INVALID_ARGUMENT) }
                        // Without rows there is no name to read; any pointer will do.
                        var shape = unsafe gt_ragged(
                            rows: Int64(rows),
                            query_offsets: firstQuery,
                            key_offsets: firstKey,
                            row_keys: rowKeys.baseAddress ?? firstKey,
                            heads: Int64(heads),
                            key_heads: Int64(keyHeads),
                            scale: scale,
                            causal: isCausal,
                            dropout: dropout,
                            seed: seed
                        )
                        return query.withRaw { q in
                            key.withRaw { k in
                                value.withRaw { v in
                                    (prefix?.key).withRaw { prefixKey in
                                        (prefix?.value).withRaw {
                                            unsafe gt_ragged_attention(
                                                q,
                                                k,
                                                v,
                                                prefixKey,
                                                $0,
                                                &shape,
                                                &out
                                            )
                                        }
                                    }
                                }
                            }
                        }
                    }
                }
            }
        }
    }
}
