internal import GraftTorch

extension Benchmark {
    /// The operations that a step spends its time in, of MiniLM's sizes.
    static let kernels = [
        Benchmark(name: "product") {
            let x = try values(64, 384)
            let (weight, bias) = (try values(384, 384), try Tensor(zeros: [384]))
            return {
                try withoutGradients { () throws in _ = try x.linear(weight, bias: bias) }
            }
        },
        Benchmark(name: "product_gradient") {
            let x = try values(64, 384).trainable()
            let (weight, seed) = (try values(384, 384), try values(64, 384))
            return { _ = try gradients(of: x.linear(weight), seed: seed, for: [x]) }
        },
        Benchmark(name: "attention") {
            let (attention, tokens) = raggedAttention()
            let x = try values(tokens, 384)
            return {
                try withoutGradients { () throws in
                    _ = try attention(query: x, key: x, value: x)
                }
            }
        },
        Benchmark(name: "attention_gradient") {
            let (attention, tokens) = raggedAttention()
            let parts = try (0..<3).map { _ in try values(tokens, 384).trainable() }
            let seed = try values(tokens, 384)
            return {
                let mixed = try attention(query: parts[0], key: parts[1], value: parts[2])
                _ = try gradients(of: mixed, seed: seed, for: parts)
            }
        },
        Benchmark(name: "dropout") {
            let x = try values(64, 384)
            let keys = try Tensor((0..<64).map(Int64.init))
            return { _ = try x.dropout(0.1, seed: 7, keys: keys) }
        },
    ]

    /// Numbers between -1 and 1 that repeat after a while.
    private static func values(_ rows: Int, _ width: Int) throws -> Tensor {
        let numbers = (0..<rows * width).map { Float($0 * 37 % 201 - 100) / 100 }
        return try Tensor(numbers, shape: [rows, width])
    }

    /// Rows of 5, 13, 13 and 33 tokens.
    private static func raggedAttention() -> (RaggedAttention, tokens: Int) {
        let offsets: [Int64] = [0, 5, 18, 31, 64]
        var attention = RaggedAttention(
            queryOffsets: offsets,
            keyOffsets: offsets,
            rowKeys: [0, 1, 2, 3],
            heads: 12,
            keyHeads: 12,
            scale: 1 / 32.0.squareRoot()
        )
        attention.dropout = 0.1
        attention.seed = 7
        return (attention, 64)
    }
}
