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

@Suite("Ragged layouts")
struct RaggedLayoutTests {
    @Test
    func `rows lie one after another`() throws {
        let layout = try RaggedLayout(lengths: [2, 1, 3])
        #expect(layout.offsets == [0, 2, 3, 6])
        #expect(layout.rowCount == 3)
        #expect(layout.tokenCount == 6)
        #expect(try layout.rowOfToken.values(as: Int64.self) == [0, 0, 1, 2, 2, 2])
        let rows = try Tensor((0..<12).map(Float.init), shape: [6, 2])
        let first: [Float] = try layout.firstTokens(of: rows).values()
        #expect(first == [0, 1, 4, 5, 6, 7])
    }

    @Test
    func `first tokens keep their names`() throws {
        let layout = try RaggedLayout(lengths: [2, 1, 3], keys: [5, 9, 7])
        let first = try layout.keepingFirstTokens().layout
        #expect(first.offsets == [0, 1, 2, 3])
        #expect(first.rowKeys == [5, 9, 7])
        let names: [Int64] = try layout.tokenKeys.values()
        #expect(Set(names).count == 6)
        #expect(try first.tokenKeys.values(as: Int64.self) == [names[0], names[2], names[3]])
    }

    @Test
    func `row means and their gradients`() throws {
        let layout = try RaggedLayout(lengths: [2, 1])
        let x = try Tensor([Float(1), 3, 5, 7, 9, 11], shape: [3, 2]).trainable()
        let means = try layout.rowMeans(x)
        #expect(try means.values(as: Float.self) == [3, 5, 9, 11])
        let back = try layout.repeatedForTokens(means)
        #expect(try back.values(as: Float.self) == [3, 5, 3, 5, 9, 11])
        let gradient = try gradients(of: means.sum(), for: [x])[0]
        #expect(try gradient.values(as: Float.self) == [0.5, 0.5, 0.5, 0.5, 1, 1])
    }
}
