import GraftAdapters
import GraftLayers
import GraftModels
import GraftTestSupport
import GraftTorch
import Testing

@Suite("ReFT")
struct ReFTTests {
    private func method(_ text: String) throws -> any AdapterMethod {
        try AdapterRegistry.builtin.method(named: text)
    }

    // `loreft`: the count of `adapters` 1.3.0 on bert-base-uncased.
    @Test(arguments: [
        ("loreft", 36_888), ("noreft", 36_888), ("direft", 36_888),
        ("loreft[tied_weights=true]", 36_888 / 2), ("loreft[layers=[0,11]]", 36_888 / 6),
        ("loreft[r=4]", 36_888 * 4),
    ])
    func `presets have the reference's parameter counts`(text: String, count: Int) throws {
        #expect(try BertBaseSites.parameters(text).reduce(0) { $0 + $1.value.count } == count)
    }

    /// The largest element of `rows · rowsᵀ - 1`.
    private func deviation(_ rows: Tensor) throws -> Double {
        let products: [Double] = try rows.matmul(rows.transposed(0, 1)).values()
        let count = rows.size(0)
        return products.enumerated().reduce(0) { worst, element in
            let expected = element.offset % (count + 1) == 0 ? 1.0 : 0
            return max(worst, abs(element.element - expected))
        }
    }

    @Test(arguments: [1, 2, 5, 16])
    func `reflections make orthonormal rows`(count: Int) throws {
        let generator = try Generator(seed: UInt64(count))
        let rows = try generator.normal([count, 16]).householderRows()
        #expect(rows.shape == [count, 16])
        #expect(try deviation(rows) < 1e-6)
        #expect(throws: TorchError.self) { try generator.normal([17, 16]).householderRows() }
    }

    @Test
    func `new projections point anywhere`() throws {
        let parameters = try BertBaseSites.parameters("loreft[r=2]")
        for (name, value) in parameters where name.hasSuffix("projection") {
            let rows = try value.householderRows()
            #expect(try deviation(rows) < 1e-5)
            let largest: [Double] = try rows.values()
            #expect(largest.allSatisfy { abs($0) < 0.5 }, "\(name) is along an axis")
        }
    }

    @Test
    func `training with weight decay leaves rows orthonormal and alive`() throws {
        let example = try MethodCase("reft/loreft_rank_three")
        let (model, buffer) = try example.adapted()
        let batch = try example.fixture.batch()
        var settings = AdamW.Settings()
        settings.weightDecay = 0.5
        var optimizer = try AdamW(for: buffer, settings: settings)
        func rows() throws -> [Tensor] {
            try zip(buffer.slices, buffer.leaves).filter { $0.0.name.hasSuffix("projection") }
                .map { try $1.detached().householderRows() }
        }
        let before = try rows()
        for _ in 0..<20 {
            let loss = try model.logits(batch).crossEntropy(example.fixture["labels"])
            try optimizer.step(
                buffer,
                gradients: buffer.flattened(gradients(of: loss, for: buffer.leaves)),
                learningRate: 5e-2
            )
        }
        for (old, new) in zip(before, try rows()) {
            #expect(try deviation(new) < 1e-5)
            #expect(try !new.isEqual(to: old))
        }
    }

    /// The last hidden states with fresh parameters.
    private func hidden(
        _ text: String,
        rows: Range<Int> = 0..<7,
        seed: UInt64? = nil,
        wanted: WantedTokens = .all
    ) throws -> EncoderOutput {
        let fixture = try Fixture("bert/h16/expected")
        let (ids, types) = (try fixture.rows("ids"), try fixture.rows("type_ids"))
        let batch = try TokenBatch(
            rows: rows.map { (ids[$0], types[$0]) },
            keys: rows.map(Int64.init)
        )
        let encoder = try referenceEncoder()
        let adapters = try method(text)
            .attached(to: encoder.sites, ParameterScope(freshParameters(seed: 1)))
        let context = ForwardContext(
            layout: batch.layout,
            adapters: adapters,
            dropoutSeed: seed
        )
        return try encoder(batch, in: context, wanted: wanted)
    }

    static let settings = [
        "loreft[dropout=0.5]", "loreft[dropout=0.5,suffix_positions=2]",
        "direft[dropout=0.5,suffix_positions=4,tied_weights=true]",
    ]

    @Test(arguments: settings)
    func `a row's result does not depend on its batch`(text: String) throws {
        let apart = try Tensor.concatenated(
            (0..<7).map { try hidden(text, rows: $0..<$0 + 1, seed: 5).hidden }
        )
        let together = try hidden(text, seed: 5).hidden
        try expectClose(apart, together)
        #expect(try !together.isEqual(to: hidden(text, seed: 6).hidden), "dropout draws")
        #expect(try !together.isEqual(to: hidden(text).hidden), "evaluation drops nothing")
    }

    @Test(arguments: settings)
    func `first tokens alone are those of all tokens`(text: String) throws {
        let (all, first) = (try hidden(text), try hidden(text, wanted: .first))
        try expectClose(first.hidden, all.firstTokens())
    }

    // A token is counted from the start of its row, not from the first that is kept.
    @Test(arguments: settings)
    func `other tokens alone are those of all tokens`(text: String) throws {
        let all = try hidden(text)
        let last = try hidden(text, wanted: .last)
        try expectClose(last.hidden, all.layout.keepingLastTokens()(all.hidden))
        let places = (0..<7).map { all.layout.offsets[$0 + 1] - 1 }
        let chosen = try hidden(text, wanted: .chosen(places))
        try expectClose(chosen.hidden, last.hidden)
    }

    @Test(arguments: [
        ("loreft[r=17]", "r: must be at most the hidden size (16), found 17"),
        ("loreft[r=0]", "r: must be positive, found 0"),
        ("loreft[layers=[2]]", "layers: there is no layer 2"),
        ("loreft[layers=some]", "layers: expected \"all\" or a list of layers"),
        ("loreft[prefix_positions=0]", "prefix_positions: there are no positions at all"),
        ("loreft[suffix_positions=-1]", "suffix_positions: must not be negative, found -1"),
        ("direft[dropout=1]", "dropout: must be in 0 ..< 1"),
        ("noreft[orthogonalty=true]", "did you mean 'orthogonality'?"),
    ])
    func `mistakes are named in one line`(text: String, expected: String) throws {
        let error = #expect(throws: ConfigurationError.self) { try hidden(text) }
        #expect(error?.description.contains(expected) == true, "\(String(describing: error))")
    }
}
