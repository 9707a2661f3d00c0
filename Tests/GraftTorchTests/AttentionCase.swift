import GraftTestSupport
import GraftTorch
import Testing

/// A shape of attention with random operands.
struct AttentionCase: Sendable, CustomTestStringConvertible {
    let testDescription: String
    var queryLengths = [1, 17, 33, 5]
    var keyLengths = [1, 17, 33, 5]
    var heads = 2
    var keyHeads = 2
    var headSize = 8
    var isCausal = false
    var prefix = 0
    var dropout = 0.0
    var window = 0
    /// Whether a bias by distance is added.
    var isBiased = false
    /// Tokens of each row behind the last query.
    var behind = 0
    /// Unused places behind each row's keys.
    var gap = 0

    init(_ name: String, _ change: (inout AttentionCase) -> Void = { _ in }) {
        testDescription = name
        change(&self)
    }

    static let all = [
        AttentionCase("equal heads"),
        AttentionCase("odd head size") { $0.headSize = 5 },
        AttentionCase("wide heads") { $0.headSize = 64 },
        AttentionCase("one head") { ($0.heads, $0.keyHeads) = (1, 1) },
        AttentionCase("grouped queries") { ($0.heads, $0.keyHeads) = (6, 2) },
        AttentionCase("causal") { $0.isCausal = true },
        AttentionCase("prefix") { $0.prefix = 3 },
        AttentionCase("one query for each row") { $0.queryLengths = [1, 1, 1, 1] },
        AttentionCase("causal, last queries") {
            $0.queryLengths = [1, 4, 2, 5]
            $0.isCausal = true
        },
        AttentionCase("causal, a query in the middle") {
            ($0.queryLengths, $0.keyLengths) = ([1, 4, 2, 3], [3, 17, 33, 5])
            $0.isCausal = true
            $0.behind = 2
        },
        AttentionCase("window") {
            $0.isCausal = true
            $0.window = 4
        },
        AttentionCase("across") {
            ($0.queryLengths, $0.keyLengths) = ([9, 1, 0, 12], [1, 17, 33, 5])
        },
        AttentionCase("across, grouped queries behind a prefix") {
            ($0.queryLengths, $0.keyLengths) = ([9, 1, 0, 12], [1, 17, 33, 5])
            ($0.heads, $0.keyHeads, $0.prefix) = (4, 2, 3)
        },
        AttentionCase("relative bias") { $0.isBiased = true },
        AttentionCase("relative bias, one query for each row") {
            $0.queryLengths = [1, 1, 1, 1]
            $0.isBiased = true
        },
        AttentionCase("keys with room behind") {
            $0.gap = 3
            $0.isCausal = true
        },
        AttentionCase("keys with room behind, all seen") { $0.gap = 3 },
        // Queries are computed 96 at a time, depths of products 384.
        AttentionCase("long rows") { $0.setLengths([97, 192, 400]) },
        AttentionCase("long rows, grouped queries behind a prefix") {
            $0.setLengths([193, 97])
            ($0.heads, $0.keyHeads, $0.prefix) = (4, 2, 3)
        },
        AttentionCase("long rows, causal in a window") {
            $0.setLengths([97, 260])
            ($0.isCausal, $0.window) = (true, 120)
        },
        AttentionCase("long rows, causal with a bias") {
            $0.setLengths([97, 200])
            ($0.isCausal, $0.isBiased) = (true, true)
        },
        AttentionCase("all at once") {
            ($0.heads, $0.keyHeads, $0.headSize) = (4, 2, 5)
            ($0.queryLengths, $0.keyLengths) = ([1, 4, 31, 3], [3, 17, 33, 5])
            ($0.isCausal, $0.isBiased) = (true, true)
            ($0.prefix, $0.window, $0.behind, $0.gap) = (2, 7, 2, 1)
        },
    ]

    private mutating func setLengths(_ lengths: [Int]) {
        (queryLengths, keyLengths) = (lengths, lengths)
    }

    /// The operation over these rows.
    var attention: RaggedAttention {
        func offsets(_ lengths: [Int]) -> [Int64] {
            lengths.reduce(into: [0]) { $0.append(($0.last ?? 0) + Int64($1)) }
        }
        var attention = RaggedAttention(
            queryOffsets: offsets(queryLengths),
            keyOffsets: offsets(keyLengths.map { $0 + gap }),
            rowKeys: keyLengths.indices.map { Int64($0 * 7 + 3) },
            heads: heads,
            keyHeads: keyHeads,
            scale: 1 / Double(headSize).squareRoot()
        )
        attention.isCausal = isCausal
        attention.window = window
        if gap > 0 {
            attention.keyEnds = zip(attention.keyOffsets, keyLengths).map { $0 + Int64($1) }
        }
        if behind > 0 {
            attention.keysBehind = queryLengths.flatMap { count in
                (0..<count).map { Int64(behind + count - 1 - $0) }
            }
        }
        attention.dropout = dropout
        attention.seed = 0x5eed
        return attention
    }

    /// Query, key, value and, if there are such, the keys and values of a prefix and a bias.
    func operands(_ dtype: DType = .float32) throws -> [Tensor] {
        let generator = try Generator(seed: 21)
        let width = keyHeads * headSize
        var shapes = [[queryLengths.reduce(0, +), heads * headSize]]
        let keys = keyLengths.reduce(0) { $0 + $1 + gap }
        shapes += [[Int]](repeating: [keys, width], count: 2)
        if prefix > 0 { shapes += [[Int]](repeating: [prefix, width], count: 2) }
        if isBiased { shapes.append([heads, 2 * origin + 1]) }
        return try shapes.map {
            try generator.noise($0).converted(to: dtype).trainable()
        }
    }

    /// Weights that make a scalar of the output.
    func seed(_ dtype: DType = .float32) throws -> Tensor {
        try Generator(seed: 22).noise([queryLengths.reduce(0, +), heads * headSize])
            .converted(to: dtype)
    }

    private var origin: Int { max(40, keyLengths.max() ?? 0) }

    func callAsFunction(_ operands: [Tensor]) throws -> Tensor {
        let bias = isBiased ? operands.last : nil
        return try attention(
            query: operands[0],
            key: operands[1],
            value: operands[2],
            prefix: prefix > 0 ? (operands[3], operands[4]) : nil,
            bias: bias.map { RelativeBias(table: $0, origin: origin) }
        )
    }

    /// The same out of matrix products and softmax, for each row and head.
    func plain(_ operands: [Tensor]) throws -> Tensor {
        let attention = attention
        var rows: [Tensor] = []
        for row in keyLengths.indices where queryLengths[row] > 0 {
            let queries =
                Int(attention.queryOffsets[row])..<Int(attention.queryOffsets[row + 1])
            let firstKey = Int(attention.keyOffsets[row])
            let keys = firstKey..<firstKey + keyLengths[row]
            let parts = try (0..<heads).map { head in
                func columns(_ head: Int) -> Range<Int> {
                    head * headSize..<(head + 1) * headSize
                }
                let keyHead = columns(head * keyHeads / heads)
                func withPrefix(_ index: Int) throws -> Tensor {
                    let own = try operands[index].narrowed(keys).narrowed(keyHead, along: 1)
                    guard prefix > 0 else { return own }
                    let front = try operands[index + 2].narrowed(keyHead, along: 1)
                    return try Tensor.concatenated([front, own])
                }
                let query = try operands[0].narrowed(queries).narrowed(columns(head), along: 1)
                var scores =
                    try query.matmul(withPrefix(1).transposed(0, 1)) * attention.scale
                    + mask(row).converted(to: query.dtype)
                if isBiased { scores = try scores + bias(row, operands[operands.count - 1], head) }
                return try scores.softmax(along: 1).matmul(withPrefix(2))
            }
            rows.append(try Tensor.concatenated(parts, along: 1))
        }
        return try Tensor.concatenated(rows)
    }

    /// What is added to a row's scores: nothing, or a very negative number where a key lies in the future.
    private func mask(_ row: Int) throws -> Tensor {
        let (queries, keys) = (queryLengths[row], keyLengths[row])
        var values: [Double] = []
        for query in 0..<queries {
            for key in -prefix..<keys {
                let place = keys - queries - behind + query
                let isPast = window > 0 && key >= 0 && key <= place - window
                values.append(isCausal && (key > place || isPast) ? -1e9 : 0)
            }
        }
        return try Tensor(values, shape: [queries, prefix + keys]).moved(to: testDevice)
    }

    /// What a bias adds to a row's scores, nothing for its prefix.
    private func bias(_ row: Int, _ table: Tensor, _ head: Int) throws -> Tensor {
        let (queries, keys) = (queryLengths[row], keyLengths[row])
        let padding = try Tensor(zeros: [1], device: table.device).converted(to: table.dtype)
        let line = try Tensor.concatenated([
            table.narrowed(head..<head + 1).reshaped([table.size(1)]), padding,
        ])
        let columns = (0..<queries).flatMap { query in
            (-prefix..<keys).map { key in
                key < 0
                    ? Int64(table.size(1))
                    : Int64(origin + key - (keys - queries - behind + query))
            }
        }
        return try line.selecting(Tensor(columns)).reshaped([queries, prefix + keys])
    }
}
