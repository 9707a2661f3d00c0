import GraftAdapters
import GraftLayers
import GraftModels
import GraftTestSupport
import GraftTorch
import Testing

@Suite("Stochastic depth")
struct StochasticDepthTests {
    /// The last hidden states with one adapter in the last layer, or with none.
    private func hidden(_ method: String?, seed: UInt64?) throws -> (Tensor, RaggedLayout) {
        let encoder = try referenceEncoder()
        let batch = try Fixture("bert/h16/expected").batch()
        let adapters =
            try method.map {
                try AdapterRegistry.builtin.method(named: $0)
                    .attached(to: encoder.sites, ParameterScope(freshParameters(seed: 1)))
            } ?? SiteAdapters()
        let context = ForwardContext(
            layout: batch.layout,
            adapters: adapters,
            dropoutSeed: seed
        )
        return (try encoder(batch, in: context, wanted: .all).hidden, batch.layout)
    }

    // The reference does not apply it to parallel adapters; Graft does.
    @Test(arguments: ["seq_bn", "par_bn", "double_seq_bn"])
    func `a row has its adapter or is as the frozen model leaves it`(preset: String) throws {
        let settings = "output_adapter=true,mh_adapter=false,leave_out=[0],init_weights=bert"
        let method = "\(preset)[\(settings),stochastic_depth=0.5]"
        let (frozen, layout) = try hidden(nil, seed: nil)
        var skipped = 0
        for seed in 0..<20 {
            let (found, _) = try hidden(method, seed: UInt64(seed))
            for row in 0..<layout.rowCount {
                let range = Int(layout.offsets[row])..<Int(layout.offsets[row + 1])
                let isSkipped = try found.narrowed(range).isEqual(to: frozen.narrowed(range))
                skipped += isSkipped ? 1 : 0
            }
        }
        #expect((45...95).contains(skipped), "of 140 rows")
    }

    @Test
    func `evaluation skips nothing`() throws {
        let settings = "leave_out=[0],init_weights=bert"
        let (plain, _) = try hidden("seq_bn[\(settings)]", seed: nil)
        let (found, _) = try hidden("seq_bn[\(settings),stochastic_depth=0.5]", seed: nil)
        try expectIdentical(found, plain)
    }
}
