import GraftTestSupport
import GraftTorch
import Testing

@Suite("Tensor values")
struct TensorValueTests {
    @Test
    func `values come back as they went in`() throws {
        func check<Element: TensorElement & Equatable>(_ values: [Element]) throws {
            let tensor = try Tensor(values, shape: [2, 2])
            #expect(tensor.shape == [2, 2])
            #expect(try tensor.dtype == Element.dtype)
            #expect(try tensor.values() == values)
            #expect(try tensor.transposed(0, 1).values() == [0, 2, 1, 3].map { values[$0] })
        }
        try check([1.5, -2.25, 0, Float.greatestFiniteMagnitude])
        try check([0.1, -1e300, 0, Double.leastNonzeroMagnitude])
        try check([1, -2, Int64.max, Int64.min])
        try check([1, -2, Int32.max, Int32.min])
        try check([1, -2, Int8.max, Int8.min])
        try check([0, 1, 2, UInt8.max])
        try check([true, false, false, true])
    }

    @Test(arguments: DType.allCases)
    func `every element type holds small whole numbers exactly`(dtype: DType) throws {
        let values: [Double] = dtype == .bool ? [0, 1, 1] : [0, 1, 100]
        let tensor = try Tensor(values).converted(to: dtype)
        #expect(try tensor.dtype == dtype)
        #expect(try tensor.bytes().count == 3 * dtype.byteCount)
        #expect(try tensor.values() == values)
    }

    @Test
    func `empty tensors and scalars have values too`() throws {
        #expect(try Tensor([Float](), shape: [0, 3]).values(as: Float.self).isEmpty)
        let scalar = try Tensor([Float(4)], shape: [])
        #expect(scalar.rank == 0)
        #expect(try scalar.item() == 4)
    }

    @Test
    func `errors say the operation, the operands and the problem`() throws {
        let a = try Tensor(zeros: [2, 3])
        let error = #expect(throws: TorchError.self) { try a.matmul(a) }
        #expect(error?.kind == .invalidArgument)
        #expect(error?.operation == "matmul")
        #expect(error?.operands == ["float32[2, 3]", "float32[2, 3]"])
        #expect(
            error?.description == "matmul(float32[2, 3], float32[2, 3]): "
                + "mat1 and mat2 shapes cannot be multiplied (2x3 and 2x3)"
        )
    }

    @Test
    func `values that do not fill a shape are refused`() {
        let error = #expect(throws: TorchError.self) { try Tensor([Float(1), 2], shape: [3]) }
        #expect(error?.description == "tensor(): 2 values do not fill the shape [3]")
        #expect(throws: TorchError.self) { try Tensor([Float(1), 2]).item() }
    }
}
