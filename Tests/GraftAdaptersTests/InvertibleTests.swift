import GraftAdapters
import GraftLayers
import GraftModels
import GraftTestSupport
import GraftTorch
import Testing

@Suite("Invertible adapters")
struct InvertibleTests {
    // NICE: the counts of `adapters` 1.3.0 on bert-base-uncased.
    @Test(arguments: [
        ("seq_bn_inv", 1_190_592), ("double_seq_bn_inv", 1_789_056 + 296_064),
        ("seq_bn_inv[reduction_factor=2]", 7_387_776),
        ("seq_bn_inv[inv_adapter=glow]", 1_190_592 + 2 * 384 * 193),
    ])
    func `presets have the reference's parameter counts`(text: String, count: Int) throws {
        #expect(try BertBaseSites.parameters(text).reduce(0) { $0 + $1.value.count } == count)
    }

    private func adapters(_ example: MethodCase) throws -> (SiteAdapters, Site) {
        let encoder = try referenceEncoder()
        let tensors = try example.parameters("").map { ($0.name, $0.value) }
        let stored = StoredParameters(Dictionary(uniqueKeysWithValues: tensors))
        let scope = ParameterScope(stored) / "adapter"
        let adapters = try example.method.attached(to: encoder.sites, scope)
        return (adapters, encoder.sites.embedding[0].site)
    }

    @Test(arguments: MethodCase.names(in: ["invertible"]))
    func `the inverse is the reference's, and undoes the adapter`(name: String) throws {
        let example = try MethodCase(name)
        let (adapters, site) = try adapters(example)
        let states = try example.fixture["embedded"]
        var context = ForwardContext(
            layout: try RaggedLayout(lengths: [3, 2]),
            adapters: adapters
        )
        let inverse = try context.undoEmbeddings(states, at: site)
        try expectClose(inverse, example.fixture["inverse"])
        try expectClose(context.finishEmbeddings(inverse, at: site), states)
        let forth = try context.finishEmbeddings(states, at: site)
        #expect(try !forth.isEqual(to: states))
        try expectClose(context.undoEmbeddings(forth, at: site), states)
    }

    @Test
    func `odd widths have unequal halves`() throws {
        let site = Site(.encoder, layer: nil, .embeddings)
        var sites = SiteMap()
        sites.embedding = [EmbeddingSite(site, words: try Tensor(zeros: [2, 7]), size: 7)]
        let generator = try Generator(seed: 1)
        let states = try generator.normal([4, 7])
        for kind in ["nice", "glow"] {
            let method = try AdapterRegistry.builtin.method(
                named: "seq_bn_inv[inv_adapter=\(kind)]"
            )
            let adapters = try method.attached(
                to: sites,
                ParameterScope(FreshParameters(seed: 1))
            )
            var context = ForwardContext(
                layout: try RaggedLayout(lengths: [4]),
                adapters: adapters
            )
            let forth = try context.finishEmbeddings(states, at: site)
            try expectClose(context.undoEmbeddings(forth, at: site), states)
        }
    }

    @Test
    func `in a union the second is undone before the first, and prompts are none to undo`() throws {
        let encoder = try referenceEncoder()
        let site = encoder.sites.embedding[0].site
        let generator = try Generator(seed: 4)
        let states = try generator.normal([5, 16])
        let glow = "seq_bn_inv[inv_adapter=glow,mh_adapter=true]"
        let method = try AdapterRegistry.builtin.method(named: "seq_bn_inv|\(glow)|prompt_tuning")
        let adapters = try method.attached(
            to: encoder.sites,
            ParameterScope(FreshParameters(seed: 2))
        )
        var context = ForwardContext(
            layout: try RaggedLayout(lengths: [3, 2]),
            adapters: adapters
        )
        let forth = try context.finishEmbeddings(states, at: site)
        #expect(forth.shape == [5 + 2 * 10, 16])
        let own = try forth.selecting(try #require(context.ownTokens))
        #expect(try !own.isEqual(to: states))
        try expectClose(context.undoEmbeddings(own, at: site), states)
    }

    @Test
    func `without an adapter there is nothing to undo`() throws {
        let states = try Tensor([Float](repeating: 1, count: 8), shape: [2, 4])
        let context = ForwardContext(layout: try RaggedLayout(lengths: [2]))
        let site = Site(.encoder, layer: nil, .embeddings)
        try expectIdentical(context.undoEmbeddings(states, at: site), states)
    }

    @Test(arguments: [
        ("inv_adapter=flow", "inv_adapter: expected one of \"nice\", \"glow\""),
        ("inv_adapter_reduction_factor=0", "inv_adapter_reduction_factor: must be positive"),
    ])
    func `mistakes are named in one line`(settings: String, expected: String) {
        let error = #expect(throws: ConfigurationError.self) {
            try BertBaseSites.parameters("seq_bn_inv[\(settings)]")
        }
        #expect(error?.description.contains(expected) == true, "\(String(describing: error))")
    }
}
