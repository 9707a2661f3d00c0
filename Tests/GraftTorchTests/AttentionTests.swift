import GraftTestSupport
import GraftTorch
import Testing

@Suite("Ragged attention")
struct AttentionTests {
    @Test(arguments: AttentionCase.all)
    func `the kernel equals matrix products and softmax in float64`(example: AttentionCase) throws {
        let (operands, exact) = (try example.operands(), try example.operands(.float64))
        let (found, expected) = (try example(operands), try example.plain(exact))
        try expectClose(found, expected)
        let foundGradients = try gradients(of: found, seed: example.seed(), for: operands)
        let gradients = try gradients(of: expected, seed: example.seed(.float64), for: exact)
        for (index, (found, expected)) in zip(foundGradients, gradients).enumerated() {
            try expectClose(found, expected, "gradient of operand \(index)")
        }
    }

    @Test(arguments: AttentionCase.all)
    func `the plain kernels equal them too`(example: AttentionCase) throws {
        let operands = try example.operands(.float64)
        let (found, expected) = (try example(operands), try example.plain(operands))
        try expectClose(found, expected, tolerance: 1e-12)
        let seed = try example.seed(.float64)
        let foundGradients = try gradients(of: found, seed: seed, for: operands)
        let gradients = try gradients(of: expected, seed: seed, for: operands)
        for (index, (found, expected)) in zip(foundGradients, gradients).enumerated() {
            try expectClose(found, expected, tolerance: 1e-12, "gradient of operand \(index)")
        }
    }

    @Test(arguments: AttentionCase.all)
    func `bfloat16 is close`(example: AttentionCase) throws {
        let found = try example(example.operands(.bfloat16))
        #expect(try found.dtype == .bfloat16)
        try expectClose(found, example(example.operands()), tolerance: 0.05)
    }

    @Test(arguments: AttentionCase.all)
    func `the kernel drops what the plain kernels drop`(example: AttentionCase) throws {
        var example = example
        example.dropout = 0.4
        let (operands, exact) = (try example.operands(), try example.operands(.float64))
        let (found, expected) = (try example(operands), try example(exact))
        try expectClose(found, expected)
        let foundGradients = try gradients(of: found, seed: example.seed(), for: operands)
        let gradients = try gradients(of: expected, seed: example.seed(.float64), for: exact)
        for (index, (found, expected)) in zip(foundGradients, gradients).enumerated() {
            try expectClose(found, expected, "gradient of operand \(index)")
        }
    }

    @Test(arguments: AttentionCase.all)
    func `gradients with dropout equal finite differences`(example: AttentionCase) throws {
        var example = example
        example.dropout = 0.3
        let operands = try example.operands()
        let seed = try example.seed()
        let generator = try Generator(seed: 5)
        let direction = try operands.map { try generator.noise($0.shape) }
        let slope = try zip(gradients(of: example(operands), seed: seed, for: operands), direction)
            .reduce(0) { try $0 + ($1.0 * $1.1).sum().item() }
        func value(_ step: Double) throws -> Double {
            let moved = try zip(operands, direction).map { try $0 + $1 * step }
            return try (example(moved) * seed).converted(to: .float64).sum().item()
        }
        let epsilon = 1e-3
        let difference = try (value(epsilon) - value(-epsilon)) / (2 * epsilon)
        #expect(abs(slope - difference) < 1e-2 * max(1, abs(slope)))
    }

    @Test
    func `weights are kept with the right probability and scaled`() throws {
        // Scores are all equal and values all one, so an output is the share of kept weights by 1 - p.
        var example = AttentionCase("keep rate") {
            $0.queryLengths = [200]
            $0.keyLengths = [200]
            $0.dropout = 0.25
        }
        example.heads = 2
        let ones = try Tensor(repeating: 1, shape: [200, 16])
        let outputs: [Double] = try example.attention(
            query: Tensor(zeros: [200, 16]),
            key: ones,
            value: ones
        ).values()
        #expect(abs(outputs.reduce(0, +) / Double(outputs.count) - 1) < 0.01)
        #expect(Set(outputs).count > 20, "rows of the mask differ")
    }

    @Test
    func `a row's mask does not depend on the rows around it`() throws {
        var example = AttentionCase("split") { $0.prefix = 2 }
        example.dropout = 0.5
        let operands = try example.operands()
        let together = try example(operands)
        let whole = example.attention
        for row in example.keyLengths.indices {
            let range = Int(whole.keyOffsets[row])..<Int(whole.keyOffsets[row + 1])
            var alone = whole
            alone.queryOffsets = [0, Int64(range.count)]
            alone.keyOffsets = alone.queryOffsets
            alone.rowKeys = [whole.rowKeys[row]]
            let output = try alone(
                query: operands[0].narrowed(range),
                key: operands[1].narrowed(range),
                value: operands[2].narrowed(range),
                prefix: (operands[3], operands[4])
            )
            try expectIdentical(output, together.narrowed(range).contiguous())
        }
        var other = whole
        other.seed += 1
        #expect(
            try !other(
                query: operands[0],
                key: operands[1],
                value: operands[2],
                prefix: (operands[3], operands[4])
            ).isEqual(to: together)
        )
    }

    @Test
    func `operands that are views give the same`() throws {
        let example = AttentionCase("views")
        let operands = try example.operands()
        let joined = try Tensor.concatenated(operands, along: 1)
        let views = try (0..<3).map { try joined.narrowed($0 * 16..<($0 + 1) * 16, along: 1) }
        try expectIdentical(example(views), example(operands))
    }

    @Test
    func `no rows give no outputs`() throws {
        let attention = RaggedAttention(
            queryOffsets: [0],
            keyOffsets: [0],
            rowKeys: [],
            heads: 2,
            keyHeads: 2,
            scale: 1
        )
        let nothing = try Tensor(zeros: [0, 8])
        #expect(try attention(query: nothing, key: nothing, value: nothing).shape == [0, 8])
    }

    @Test
    func `operands that do not fit are refused`() throws {
        let attention = AttentionCase("sizes").attention
        let x = try Tensor(zeros: [56, 16])
        func failure(
            _ change: (inout RaggedAttention) -> Void = { _ in },
            key: Tensor? = nil,
            prefix: (Tensor, Tensor)? = nil
        ) -> String {
            var attention = attention
            change(&attention)
            let error = #expect(throws: TorchError.self) {
                try attention(query: x, key: key ?? x, value: x, prefix: prefix)
            }
            return error?.description ?? ""
        }
        #expect(failure { $0.heads = 3 }.contains("heads"))
        #expect(failure { $0.dropout = 1 }.contains("[0, 1)"))
        #expect(failure { $0.keyOffsets[4] = 57 }.contains("offsets end at 56 and 57"))
        #expect(failure { $0.keyOffsets[2] = 70 }.contains("offsets must rise"))
        #expect(failure { $0.queryOffsets[0] = -1 }.contains("offsets must rise"))
        let overlapping = failure { $0.keyEnds = [2, 18, 51, 56] }
        #expect(overlapping.contains("no row reach into the next"))
        for scale in [0, -1, Double.infinity, .nan] {
            #expect(failure { $0.scale = scale }.contains("scaled by a positive number"))
        }
        let crowded = failure { ($0.isCausal, $0.queryOffsets[1]) = (true, 2) }
        #expect(crowded.contains("row 0 has 2 causal queries, but only 1 keys"))
        let half = try Tensor(zeros: [56, 16], dtype: .bfloat16)
        #expect(failure(key: half).contains("one element type"))
        #expect(failure(key: try Tensor(zeros: [56, 8])).contains("keys and values"))
        let narrow = (try Tensor(zeros: [2, 8]), try Tensor(zeros: [2, 8]))
        #expect(failure(prefix: narrow).contains("prefix"))
        let uneven = (try Tensor(zeros: [2, 16]), try Tensor(zeros: [3, 16]))
        #expect(failure(prefix: uneven).contains("prefix"))
    }
}
