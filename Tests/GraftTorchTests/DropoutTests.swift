import GraftTestSupport
import GraftTorch
import Testing

@Suite("Dropout")
struct DropoutTests {
    private func keys(_ count: Int) throws -> Tensor {
        try Tensor((0..<Int64(count)).map { $0 * 5 })
    }

    @Test(arguments: [0.1, 0.5, 0.9])
    func `elements are kept with the right probability and scaled`(probability: Double) throws {
        let x = try Tensor(repeating: 1, shape: [400, 100], device: testDevice)
        let y: [Double] = try x.dropout(probability, seed: 9, keys: keys(400)).values()
        let scale = 1 / (1 - probability)
        #expect(y.allSatisfy { $0 == 0 || abs($0 - scale) < 1e-5 * scale })
        let kept = Double(y.count { $0 > 0 }) / Double(y.count)
        #expect(abs(kept - (1 - probability)) < 0.01)
    }

    @Test
    func `nothing is dropped with probability zero`() throws {
        let x = try Generator(seed: 2).normal([4, 3])
        try expectIdentical(x.dropout(0, seed: 9, keys: keys(4)), x)
    }

    @Test
    func `the gradient has the mask of the forward pass`() throws {
        let x = try Tensor(repeating: 1, shape: [6, 10], device: testDevice).trainable()
        let y = try x.dropout(0.5, seed: 1, keys: keys(6))
        try expectIdentical(gradients(of: y.sum(), for: [x])[0], y.detached())
    }

    @Test
    func `a row's mask belongs to its key`() throws {
        let x = try Tensor(repeating: 1, shape: [6, 10], device: testDevice)
        let whole = try x.dropout(0.5, seed: 1, keys: keys(6))
        let order = try Tensor([Int64(4), 1])
        let some = try x.narrowed(0..<2).dropout(0.5, seed: 1, keys: keys(6).selecting(order))
        try expectIdentical(some, whole.selecting(order))
        let other = try x.dropout(0.5, seed: 2, keys: keys(6))
        #expect(try !other.isEqual(to: whole))
    }

    @Test
    func `whole rows live or die together`() throws {
        let x = try Tensor(repeating: 1, shape: [200, 4], device: testDevice)
        let y: [Float] = try x.dropout(0.5, seed: 1, keys: keys(200), wholeRows: true).values()
        let rows = stride(from: 0, to: y.count, by: 4).map { Set(y[$0..<$0 + 4]) }
        #expect(rows.allSatisfy { $0 == [0] || $0 == [2] })
        #expect((60...140).contains(rows.count { $0 == [0] }))
    }

    @Test(arguments: [DType.float32, .float64, .bfloat16, .float16])
    func `all element types and devices have the same mask`(dtype: DType) throws {
        let x = try Tensor(repeating: 1, shape: [20, 10])
        let expected: [Float] = try x.dropout(0.5, seed: 3, keys: keys(20)).values()
        let found = try x.moved(to: testDevice, dtype: dtype).dropout(0.5, seed: 3, keys: keys(20))
        #expect(try found.dtype == dtype)
        #expect(try found.values() == expected)
    }

    @Test
    func `probabilities and keys that do not fit are refused`() throws {
        let x = try Tensor(zeros: [4, 2])
        for probability in [-0.1, 1, .nan] {
            #expect(throws: TorchError.self) {
                try x.dropout(probability, seed: 0, keys: keys(4))
            }
        }
        #expect(throws: TorchError.self) { try x.dropout(0.5, seed: 0, keys: keys(3)) }
    }
}
