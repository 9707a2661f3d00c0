import GraftTestSupport
import GraftTorch
import Testing

@Suite("Gradients")
struct AutogradTests {
    @Test
    func `gradients of a polynomial are its derivatives`() throws {
        let x = try Tensor([Double(2), -3, 0.5]).trainable()
        // d/dx (x² · x + 4x) = 3x² + 4
        let y = try (x * x * x + x * 4).sum()
        expectClose(try gradients(of: y, for: [x])[0].values(), [16, 31, 4.75], tolerance: 1e-15)
    }

    @Test
    func `a seed weighs the outputs`() throws {
        let x = try Tensor([Double(1), 2, 3]).trainable()
        let gradient = try gradients(of: x.squared(), seed: Tensor([Double(1), 0, -1]), for: [x])
        #expect(try gradient[0].values(as: Double.self) == [2, 0, -6])
    }

    @Test
    func `what the loss does not depend on gets zeros`() throws {
        let used = try Tensor([Float(3)]).trainable()
        let unused = try Tensor(repeating: 7, shape: [2, 2]).trainable()
        let loss = try used.squared().sum()
        let found = try gradients(of: loss, for: [unused, used])
        try expectIdentical(found[0], Tensor(zeros: [2, 2]))
        #expect(try found[1].item() == 6)
    }

    @Test
    func `a loss that was not recorded is an error`() throws {
        let x = try Tensor([Float(1)]).trainable()
        let error = #expect(throws: TorchError.self) {
            try gradients(of: x.detached().sum(), for: [x])
        }
        #expect(error?.operation == "grad")
        #expect(error?.kind == .invalidArgument)
    }

    @Test
    func `a loss that is not a scalar is an error`() throws {
        let x = try Tensor([Float(1), 2]).trainable()
        #expect(throws: TorchError.self) { try gradients(of: x.squared(), for: [x]) }
    }

    @Test
    func `scopes without gradients nest and end on errors`() throws {
        struct Stop: Error {}
        let x = try Tensor([Float(1)]).trainable()
        func isRecorded() throws -> Bool { try (x * 2).requiresGradient }
        #expect(try isRecorded())
        try withoutGradients { () throws in
            #expect(try !isRecorded())
            try withoutGradients { () throws in #expect(try !isRecorded()) }
            #expect(try !isRecorded())
        }
        #expect(try isRecorded())
        #expect(throws: Stop.self) { try withoutGradients { () throws in throw Stop() } }
        #expect(try isRecorded())
    }

    @Test
    func `detached tensors share values and record nothing`() throws {
        let x = try Tensor([Float(1), 2]).trainable()
        let y = try x.detached()
        #expect(!y.requiresGradient)
        #expect(try y.values(as: Float.self) == [1, 2])
    }

    /// An operation of two matrices and what it is called.
    static let operations: [(String, @Sendable (Tensor, Tensor) throws -> Tensor)] = [
        ("matmul", { try $0.matmul($1.transposed(0, 1)) }),
        ("division", { try $0 / ($1.squared() + 1) }),
        ("softmax", { try $0.softmax(along: 1) * $1 }),
        ("logSoftmax", { try $0.logSoftmax(along: 1) * $1 }),
        (
            "layerNorm",
            {
                try $0.layerNorm(weight: $1.narrowed(0..<1).reshaped(-1), bias: nil, epsilon: 1e-5)
                    * $1
            }
        ),
        ("concatenated", { try Tensor.concatenated([$0, $1 * 2], along: 1).squared() }),
        ("selecting", { try $0.selecting(Tensor([Int64(2), 0, 2])).squared() * $1 }),
        ("scatterAdded", { try $0.scatterAdded(to: Tensor([Int64(1), 1, 0]), rows: 3) * $1 }),
        ("linear", { try $0.linear($1, bias: $1.sum(along: 1)).squared() }),
        ("mean", { try $0.mean(along: 1, keepingDimension: true) * $1 }),
        ("clamped", { try $0.clamped(to: -0.5...0.5) * $1 }),
        ("embedding", { try $0.embedding(Tensor([Int64(2), 2, 1])).squared() * $1 }),
    ]

    @Test(arguments: operations.indices)
    func `gradients equal finite differences`(index: Int) throws {
        let (name, operation) = AutogradTests.operations[index]
        let generator = try Generator(seed: 11)
        let start = try (0..<2).map { _ in
            try generator.normal([3, 4]).converted(to: .float64).trainable()
        }
        let direction = try (0..<2).map { _ in
            try generator.normal([3, 4]).converted(to: .float64)
        }
        let loss = try operation(start[0], start[1]).sum()
        let slope = try zip(gradients(of: loss, for: start), direction)
            .reduce(0) { try $0 + ($1.0 * $1.1).sum().item() }
        let epsilon = 1e-5
        func value(_ step: Double) throws -> Double {
            try operation(
                start[0] + direction[0] * step,
                start[1] + direction[1] * step
            ).sum().item()
        }
        let difference = try (value(epsilon) - value(-epsilon)) / (2 * epsilon)
        #expect(abs(slope - difference) < 1e-7 * max(1, abs(slope)), "\(name)")
    }
}
