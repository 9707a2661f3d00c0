public import GraftTorch

/// The keys and values of tokens that a generating model has seen, for each of its attentions.
///
/// It rides in ``ForwardContext/cache``: a pass over new tokens writes theirs behind those of the
/// same row and attends to all. Every row has room of its own, so that nothing is copied from step
/// to step. One pass at a time uses a cache.
public final class KeyValueCache: @unchecked Sendable {
    /// The tokens of each row whose keys and values are there.
    public private(set) var lengths: [Int]

    private var capacity: Int
    private var added: [Int]
    private var growing: [Site: (key: RowBuffer, value: RowBuffer)] = [:]
    private var constant: [Site: KeyPrefix] = [:]

    /// Creates an empty cache.
    ///
    /// - Parameters:
    ///   - rows: The number of rows.
    ///   - capacity: The tokens of a row that there is room for; it doubles when more come.
    public init(rows: Int, capacity: Int = 64) {
        lengths = [Int](repeating: 0, count: rows)
        added = lengths
        self.capacity = max(1, capacity)
    }

    /// Whether no token has been seen.
    public var isEmpty: Bool { lengths.allSatisfy { $0 == 0 } }

    /// Where the keys and values of an attention lie: those of row `r` in `starts[r] ..< ends[r]`.
    struct Keys {
        let key: Tensor
        let value: Tensor
        /// With one more entry than there are rows.
        let starts: [Int64]
        let ends: [Int64]
    }

    /// Writes the keys and values of new tokens behind those of their rows.
    func appending(
        key: Tensor,
        value: Tensor,
        layout: RaggedLayout,
        at site: Site
    ) throws(TorchError) -> Keys {
        added = (0..<layout.rowCount).map(layout.length)
        precondition(added.count == lengths.count, "a batch of \(lengths.count) rows")
        let ends = zip(lengths, added).map(+)
        try grow(to: ends.max() ?? 0)
        let buffers: (key: RowBuffer, value: RowBuffer)
        if let known = growing[site] {
            buffers = known
        } else {
            let rows = lengths.count * capacity
            buffers = (try RowBuffer(rows: rows, like: key), try RowBuffer(rows: rows, like: value))
            growing[site] = buffers
        }
        let places = lengths.indices.flatMap { row in
            (lengths[row]..<ends[row]).map { Int64(row * capacity + $0) }
        }
        try buffers.key.write(key, at: places)
        try buffers.value.write(value, at: places)
        return Keys(
            key: buffers.key.tensor,
            value: buffers.value.tensor,
            starts: (0...lengths.count).map { Int64($0 * capacity) },
            ends: ends.enumerated().map { Int64($0 * capacity + $1) }
        )
    }

    /// The keys and values that never change, computed once: those of an encoder's output.
    ///
    /// - Parameters:
    ///   - site: Which attention.
    ///   - make: Computes them, those of all rows one after another, with where each row's start.
    /// - Returns: What `make` computed, for the rows that are left.
    /// - Throws: What `make` throws.
    public func constant(
        at site: Site,
        _ make: () throws(TorchError) -> KeyPrefix
    ) throws(TorchError) -> KeyPrefix {
        if let known = constant[site] { return known }
        let made = try make()
        constant[site] = made
        return made
    }

    /// Counts the tokens of a pass, once all its attentions have written theirs.
    public func commit() {
        lengths = zip(lengths, added).map(+)
        added = lengths.map { _ in 0 }
    }

    /// Keeps some rows, in an order and as often as asked: what a search goes on with.
    public func keep(rows: [Int]) throws(TorchError) {
        guard rows != Array(lengths.indices) else { return }
        let places = rows.flatMap { row in
            (0..<capacity).map { Int64(row * capacity + $0) }
        }
        for (site, (key, value)) in growing {
            growing[site] = (try key.selecting(places), try value.selecting(places))
        }
        for (site, prefix) in constant {
            constant[site] = try KeyPrefix(joining: [prefix], rows: rows.map { [(0, $0)] })
        }
        lengths = rows.map { lengths[$0] }
        added = lengths.map { _ in 0 }
    }

    private func grow(to length: Int) throws(TorchError) {
        guard length > capacity else { return }
        let larger = max(length, 2 * capacity)
        let old = lengths.indices.flatMap { row in
            (0..<lengths[row]).map { Int64(row * capacity + $0) }
        }
        let new = lengths.indices.flatMap { row in
            (0..<lengths[row]).map { Int64(row * larger + $0) }
        }
        for (site, buffers) in growing {
            growing[site] = (
                try buffers.key.moved(old, to: new, rows: lengths.count * larger),
                try buffers.value.moved(old, to: new, rows: lengths.count * larger)
            )
        }
        capacity = larger
    }
}
