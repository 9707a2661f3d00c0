internal import CGraftTorch

/// The shape of an attention over rows of different lengths that lie one after another.
public struct RaggedAttention: Sendable {
    /// Where each row's queries start, and where the last ends: `rows + 1` entries.
    public var queryOffsets: [Int64]
    /// Where each row's keys start, and where the last ends: `rows + 1` entries.
    public var keyOffsets: [Int64]
    /// Where each row's keys end, if not where the next row's start: `rows` entries.
    public var keyEnds: [Int64]?
    /// How many of each row's first keys all of its queries see, as those of a prefix; if `nil`, none.
    public var keyFronts: [Int64]?
    /// How many of the row's keys lie behind the place of each query; if `nil`, the last query has the
    /// place of the last key.
    public var keysBehind: [Int64]?
    /// Names of the rows: what a row's dropout mask depends on.
    public var rowKeys: [Int64]
    /// Query heads; the width of the queries divides by it.
    public var heads: Int
    /// Key and value heads; fewer than `heads` for grouped-query attention.
    public var keyHeads: Int
    /// What scores are multiplied with before the softmax.
    public var scale: Double
    /// Whether a query sees only keys up to its own place.
    public var isCausal = false
    /// With causality, how many keys a query sees, its own place included; 0 for all before it.
    public var window = 0
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
    ///   - prefix: Keys and values [length, key heads · d] in front of those of every row, seen by all
    ///     of its queries.
    ///   - bias: What is added to scaled scores by distance; nothing for a prefix.
    /// - Returns: [query tokens, heads · d]
    /// - Throws: ``TorchError`` of kind `invalidArgument` if sizes do not fit.
    public func callAsFunction(
        query: Tensor,
        key: Tensor,
        value: Tensor,
        prefix: (key: Tensor, value: Tensor)? = nil,
        bias: RelativeBias? = nil
    ) throws(TorchError) -> Tensor {
        let rows = queryOffsets.count - 1
        precondition(
            rows >= 0 && keyOffsets.count == rows + 1 && rowKeys.count == rows
                && keyEnds.map { $0.count == rows } ?? true
                && keyFronts.map { $0.count == rows } ?? true
                && keysBehind.map {
                    $0.count == query.size(0) && Int64($0.count) == queryOffsets.last
                } ?? true,
            "offsets and keys of \(rows) rows"
        )
        return try Tensor.call("attention", on: [query, key, value]) { out in
            unsafe withShape(biasOrigin: bias?.origin ?? 0) { shape in
                query.withRaw { q in
                    key.withRaw { k in
                        value.withRaw { v in
                            (prefix?.key).withRaw { prefixKey in
                                (prefix?.value).withRaw { prefixValue in
                                    (bias?.table).withRaw {
                                        unsafe gt_ragged_attention(
                                            q,
                                            k,
                                            v,
                                            prefixKey,
                                            prefixValue,
                                            $0,
                                            shape,
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

    /// Calls `body` with this shape as the shim reads it.
    private func withShape(
        biasOrigin: Int,
        _ body: (UnsafePointer<gt_ragged>) -> gt_status
    ) -> gt_status {
        // Arrays that are not there have no address, which the shim takes as it is meant.
        unsafe queryOffsets.withUnsafeBufferPointer { queryOffsets in
            unsafe keyOffsets.withUnsafeBufferPointer { keyOffsets in
                unsafe withPointer(to: keyEnds) { keyEnds in
                    unsafe withPointer(to: keyFronts) { keyFronts in
                        unsafe withPointer(to: keysBehind) { keysBehind in
                            unsafe rowKeys.withUnsafeBufferPointer { rowKeys in
                                guard let firstQuery = queryOffsets.baseAddress,
                                    let firstKey = keyOffsets.baseAddress
                                else { return gt_status(GT_INVALID_ARGUMENT) }
                                // Without rows there is no name to read; any pointer will do.
                                var shape = unsafe gt_ragged(
                                    rows: Int64(rowKeys.count),
                                    query_offsets: firstQuery,
                                    key_offsets: firstKey,
                                    key_ends: keyEnds,
                                    key_fronts: keyFronts,
                                    keys_behind: keysBehind,
                                    row_keys: rowKeys.baseAddress ?? firstKey,
                                    heads: Int64(heads),
                                    key_heads: Int64(keyHeads),
                                    scale: scale,
                                    causal: isCausal,
                                    window: Int64(window),
                                    bias_origin: Int64(biasOrigin),
                                    dropout: dropout,
                                    seed: seed
                                )
                                return unsafe body(&shape)
                            }
                        }
                    }
                }
            }
        }
    }
}

/// What an attention adds to scaled scores, by the distance between query and key.
public struct RelativeBias: Sendable {
    /// A column for each distance: [heads, distances].
    public let table: Tensor
    /// The column of a key at the query's own place; those of keys behind it follow.
    public let origin: Int

    /// Wraps a table.
    public init(table: Tensor, origin: Int) {
        self.table = table
        self.origin = origin
    }
}

private func withPointer<Result>(
    to values: [Int64]?,
    _ body: (UnsafePointer<Int64>?) -> Result
) -> Result {
    guard let values else { return body(nil) }
    return unsafe values.withUnsafeBufferPointer { unsafe body($0.baseAddress) }
}
