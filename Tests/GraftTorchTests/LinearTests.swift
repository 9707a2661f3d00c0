import GraftTestSupport
import GraftTorch
import Testing

@Suite("Linear maps")
struct LinearTests {
    /// Shapes around the edges of tiles, panels and stretches of the depth: [rows, input, output].
    static let shapes = [
        [1, 1, 1], [3, 5, 7], [12, 16, 32], [13, 384, 33], [25, 385, 31], [1, 1536, 64],
        [60, 24, 384], [7, 800, 24], [481, 40, 20], [2, 3, 200],
    ]

    private func inputs(_ shape: [Int]) throws -> (x: Tensor, weight: Tensor, bias: Tensor) {
        let generator = try Generator(seed: UInt64(shape[0] * 7 + shape[1]))
        return (
            try generator.normal([shape[0], shape[1]]),
            try generator.normal([shape[2], shape[1]]),
            try generator.normal([shape[2]])
        )
    }

    @Test(arguments: shapes)
    func `values and gradients equal those in float64`(shape: [Int]) throws {
        let (x, weight, bias) = try inputs(shape)
        let seed = try Generator(seed: 3).normal([shape[0], shape[2]])
        func results(_ dtype: DType) throws -> [Tensor] {
            let leaves = try [x, weight, bias].map { try $0.converted(to: dtype).trainable() }
            let y = try leaves[0].linear(leaves[1], bias: leaves[2])
            let gradients = try gradients(of: y, seed: seed.converted(to: dtype), for: leaves)
            return try ([y.detached()] + gradients).map { try $0.converted(to: .float32) }
        }
        for (found, expected) in zip(try results(.float32), try results(.float64)) {
            // A sum of n products of normal numbers is of size √n, and so is its rounding.
            let size = Double(shape.max() ?? 1).squareRoot()
            try expectClose(found, expected, tolerance: 2e-6 * size * 4)
        }
    }

    @Test(
        .enabled(
            if: Torch.keepsRows,
            "libtorch's products, which this processor uses, do not keep bits"
        )
    )
    func `a row's result does not depend on the rows beside it`() throws {
        let (x, weight, bias) = try inputs([53, 384, 100])
        let all = try x.linear(weight, bias: bias)
        for range in [0..<1, 1..<14, 14..<53, 50..<53] {
            try expectIdentical(
                try x.narrowed(range).linear(weight, bias: bias),
                try all.narrowed(range).contiguous()
            )
        }
    }

    @Test(
        .enabled(
            if: Torch.keepsRows,
            "libtorch's products, which this processor uses, do not keep bits"
        ),
        arguments: shapes
    )
    func `a packed matrix computes the same bits`(shape: [Int]) throws {
        let (x, weight, bias) = try inputs(shape)
        let seed = try Generator(seed: 3).normal([shape[0], shape[2]])
        let packed = PackedMatrix(weight)
        func results() throws -> [Tensor] {
            let leaf = try x.trainable()
            let y = try packed(leaf, bias: bias)
            return [try y.detached()] + (try gradients(of: y, seed: seed, for: [leaf]))
        }
        let before = try results()
        try packed.pack(forGradients: true)
        #expect(packed.isPacked == (Torch.keepsRows, Torch.keepsRows))
        for (found, expected) in zip(try results(), before) {
            try expectIdentical(found, expected)
        }
        let threads = Torch.threads
        defer { Torch.threads = threads }
        Torch.threads = 1
        try expectIdentical(try results()[0], before[0])
    }

    @Test
    func `what is trained is never packed`() throws {
        let (x, weight, _) = try inputs([4, 8, 6])
        let leaf = try weight.trainable()
        let packed = PackedMatrix(leaf)
        try packed.pack(forGradients: true)
        let y = try packed(x, bias: nil)
        let gradient = try gradients(of: y.sum(), for: [leaf])[0]
        #expect(gradient.shape == [6, 8])
        try expectIdentical(try y.detached(), try x.linear(weight))
    }

    @Test
    func `stretches of a segmented map are what each is alone, gradients too`() throws {
        let (x, weight, bias) = try inputs([53, 40, 24])
        let offsets: [Int64] = [0, 1, 14, 14, 53]
        let leaf = try x.trainable()
        let weights = try (0..<4).map { try (weight * Double($0 + 1)).trainable() }
        let biases = try (0..<4).map { try (bias + Double($0)).trainable() }
        func alone(biases: [Tensor]) throws -> Tensor {
            try Tensor.concatenated(
                (0..<4).map { index in
                    let rows = Int(offsets[index])..<Int(offsets[index + 1])
                    let bias = biases.isEmpty ? nil : biases[index]
                    return try leaf.narrowed(rows).linear(weights[index], bias: bias)
                }
            )
        }
        let seed = try Generator(seed: 4).normal([53, 24])
        for biases in [biases, []] {
            let leaves = [leaf] + weights + biases
            let together = try leaf.segmentedLinear(weights, biases: biases, offsets: offsets)
            let apart = try alone(biases: biases)
            try expectIdentical(together, apart)
            let found = try gradients(of: together, seed: seed, for: leaves)
            let expected = try gradients(of: apart, seed: seed, for: leaves)
            for (found, expected) in zip(found, expected) { try expectIdentical(found, expected) }
        }
        // Another type goes through libtorch.
        let wide = try x.converted(to: .float64).segmentedLinear(
            weights.map { try $0.detached().converted(to: .float64) },
            offsets: offsets
        )
        try expectClose(wide.converted(to: .float32), alone(biases: []).detached(), tolerance: 1e-4)
    }

    @Test(arguments: [[0, 2, 3], [0, 5, 4], [1, 2, 4]] as [[Int64]])
    func `segments that do not cover the rows are refused`(offsets: [Int64]) throws {
        let (x, weight, _) = try inputs([4, 3, 2])
        #expect(throws: TorchError.self) {
            try x.segmentedLinear([weight, weight], offsets: offsets)
        }
    }

    @Test
    func `leading dimensions, views and missing biases are taken as they come`() throws {
        let (x, weight, _) = try inputs([12, 8, 6])
        let flat = try x.linear(weight)
        try expectClose(try x.reshaped(3, 4, 8).linear(weight).reshaped(12, 6), flat)
        let columns = try x.transposed(0, 1).contiguous().transposed(0, 1)
        try expectClose(try columns.linear(weight), flat)
        #expect(try x.narrowed(0..<0).linear(weight).shape == [0, 6])
    }

    @Test
    func `operands that do not fit are refused with both shapes`() throws {
        let (x, weight, _) = try inputs([4, 8, 6])
        let error = #expect(throws: TorchError.self) {
            try x.linear(weight.transposed(0, 1))
        }
        #expect(error?.description.contains("float32[4, 8], float32[8, 6]") == true)
    }
}
