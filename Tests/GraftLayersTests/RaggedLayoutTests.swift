import GraftLayers
import GraftTorch
import Testing

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

    @Test
    func `first and last tokens are each row's own`() throws {
        let layout = try RaggedLayout(lengths: [2, 1, 3])
        let x = try Tensor((0..<6).map(Float.init), shape: [6, 1])
        #expect(try layout.firstTokens(of: x).values() == [0, 2, 3] as [Float])
        #expect(try layout.keepingFirstTokens()(x).values() == [0, 2, 3] as [Float])
        #expect(try layout.keepingLastTokens()(x).values() == [1, 2, 5] as [Float])
    }

    /// The next row's token would stand for it.
    @Test(arguments: [[0, 2], [2, 0], [1, 0, 1]])
    func `a row without tokens has no first and no last one`(lengths: [Int]) throws {
        let layout = try RaggedLayout(lengths: lengths)
        let x = try Tensor(zeros: [layout.tokenCount, 1])
        for failure in [
            #expect(throws: TorchError.self) { _ = try layout.firstTokens(of: x) },
            #expect(throws: TorchError.self) { _ = try layout.keepingFirstTokens() },
            #expect(throws: TorchError.self) { _ = try layout.keepingLastTokens() },
        ] {
            #expect(failure?.description.contains("has no tokens") == true)
        }
    }
}
