import GraftLayers
import GraftTestSupport
import GraftTorch
import Testing

@Suite("Parameter scopes")
struct ParameterScopeTests {
    private func source() throws -> StoredParameters {
        StoredParameters([
            "a.0.weight": try Tensor(zeros: [2, 3]), "a.0.bias": try Tensor(zeros: [2]),
        ])
    }

    @Test
    func `modules get what their path names`() throws {
        let source = try source()
        let linear = try Linear(3, 2, ParameterScope(source) / "a" / 0)
        #expect(linear.weight.inputSize == 3)
        #expect(linear.weight.outputSize == 2)
        try source.checkAllUsed()
    }

    @Test
    func `missing tensors are named, with the nearest there is`() throws {
        let error = #expect(throws: ParameterError.self) {
            try (ParameterScope(source()) / "a" / 0).parameter("weigth", shape: [2, 3])
        }
        #expect(error?.description == "a.0.weigth: is missing (hint: there is 'a.0.weight')")
    }

    @Test
    func `tensors of another shape are named`() throws {
        let error = #expect(throws: ParameterError.self) {
            try Linear(2, 2, ParameterScope(source()) / "a" / 0)
        }
        #expect(error?.description == "a.0.weight: expected shape [2, 2], found [2, 3]")
    }

    @Test
    func `tensors that nobody asks for are named`() throws {
        let source = try source()
        _ = try Linear(3, 2, bias: false, ParameterScope(source) / "a" / 0)
        let error = #expect(throws: ParameterError.self) { try source.checkAllUsed() }
        #expect(error?.name == "a.0.bias")
    }

    @Test
    func `declaring a parameter twice is an error`() throws {
        let scope = ParameterScope(FreshParameters(seed: 1))
        _ = try scope.parameter("a", shape: [1], initial: .zeros)
        let error = #expect(throws: ParameterError.self) {
            try scope.parameter("a", shape: [1], initial: .zeros)
        }
        #expect(error?.description == "a: is declared twice")
    }
}
