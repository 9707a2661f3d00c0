import GraftAdapters
import GraftLayers
import GraftModels
import GraftTestSupport
import GraftTorch
import Testing

@Suite("Prefix tuning")
struct PrefixTuningTests {
    // The counts of `adapters` 1.3.0 on bert-base-uncased.
    @Test(arguments: [
        ("prefix_tuning", 9_872_384), ("prefix_tuning_flat", 552_960),
        ("prefix_tuning_flat[leave_out=[0,1,2]]", 552_960 / 4 * 3),
        ("prefix_tuning_flat[use_gating=true]", 552_960 + 12 * 769),
        ("prefix_tuning_flat[use_gating=true,shared_gating=false]", 552_960 + 24 * 769),
    ])
    func `presets have the reference's parameter counts`(text: String, count: Int) throws {
        #expect(try BertBaseSites.parameters(text).reduce(0) { $0 + $1.value.count } == count)
    }

    @Test
    func `weights start as in the reference`() throws {
        let parameters = try BertBaseSites.parameters("prefix_tuning[use_gating=true]")
        let expected = [
            "shared.encoder.self_attention.embedding": 1,
            "shared.encoder.self_attention.down.weight": 1 / (3.0 * 768).squareRoot(),
            "encoder.7.self_attention.key.weight": 1 / (3.0 * 512).squareRoot(),
            "encoder.7.self_attention.value.bias": 1 / (3.0 * 512).squareRoot(),
            "encoder.7.self_attention.gate.weight": 0.02,
        ]
        for (name, deviation) in expected {
            let value = try #require(parameters.first { $0.name == name }?.value)
            let found = try value.squared().mean().item().squareRoot()
            #expect(abs(found - deviation) <= 0.07 * deviation, "\(name)")
        }
    }

    /// The last hidden states of a model with a fresh prefix.
    private func hidden(
        _ expression: String,
        _ rows: Range<Int>,
        seed: UInt64?,
        wanted: WantedTokens = .all
    ) throws -> Tensor {
        let fixture = try Fixture("bert/h16/expected")
        let (ids, types) = (try fixture.rows("ids"), try fixture.rows("type_ids"))
        let batch = try TokenBatch(
            rows: rows.map { (ids[$0], types[$0]) },
            keys: rows.map(Int64.init)
        )
        let encoder = try referenceEncoder()
        let adapters = try AdapterRegistry.builtin.method(named: expression)
            .attached(to: encoder.sites, ParameterScope(freshParameters(seed: 1)))
        let context = ForwardContext(
            layout: batch.layout,
            adapters: adapters,
            dropoutSeed: seed
        )
        return try encoder(batch, in: context, wanted: wanted).hidden
    }

    @Test(arguments: ["dropout=0.5", "use_gating=true", "dropout=0.5,use_gating=true"])
    func `a row's result does not depend on its batch`(settings: String) throws {
        let method = "prefix_tuning[prefix_length=4,\(settings)]"
        let together = try hidden(method, 0..<7, seed: 9)
        let apart = try Tensor.concatenated(
            (0..<7).map { try hidden(method, $0..<$0 + 1, seed: 9) }
        )
        try expectClose(apart, together)
    }

    @Test
    func `dropout draws anew for keys and values, rows and steps, and not in evaluation`() throws {
        let plain = "prefix_tuning_flat[prefix_length=4]"
        let dropping = "prefix_tuning_flat[prefix_length=4,dropout=0.5]"
        try expectIdentical(hidden(dropping, 0..<7, seed: nil), hidden(plain, 0..<7, seed: nil))
        let (one, two) = (
            try hidden(dropping, 0..<7, seed: 1), try hidden(dropping, 0..<7, seed: 2)
        )
        #expect(try !one.isEqual(to: two))
        #expect(try !one.isEqual(to: hidden(plain, 0..<7, seed: 1)))
    }

    @Test(arguments: ["prefix_tuning", "prefix_tuning[use_gating=true]"])
    func `first tokens alone are those of all tokens`(method: String) throws {
        let fixture = try Fixture("bert/h16/expected").batch()
        let all = try hidden(method, 0..<7, seed: nil)
        let first = try hidden(method, 0..<7, seed: nil, wanted: .first)
        try expectClose(first, fixture.layout.firstTokens(of: all))
    }

    @Test
    func `an encoder without prefixes is left alone beside a decoder`() throws {
        var sites = SiteMap()
        for (tower, role) in [
            (Site.Tower.encoder, Site.Role.selfAttention), (.decoder, .selfAttention),
            (.decoder, .crossAttention),
        ] {
            let site = Site(tower, layer: 0, role)
            sites.attention.append(
                AttentionSite(site, hiddenSize: 8, keySize: 6, layerCount: 1)
            )
        }
        func acting(_ settings: String) throws -> Set<String> {
            let method = try AdapterRegistry.builtin.method(
                named: "prefix_tuning[bottleneck_size=2,prefix_length=1,\(settings)]"
            )
            let scope = ParameterScope(FreshParameters(seed: 0))
            return Set(try method.attached(to: sites, scope).sites.map(\.path))
        }
        let (encoder, decoder, cross) = (
            "encoder.0.self_attention", "decoder.0.self_attention", "decoder.0.cross_attention"
        )
        #expect(try acting("flat=true") == [encoder, decoder, cross])
        #expect(try acting("encoder_prefix=false") == [decoder, cross])
        #expect(try acting("cross_prefix=false") == [encoder, decoder])
    }

    @Test(arguments: [
        ("prefix_length=0", "prefix_length: must be positive, found 0"),
        ("bottleneck_size=-1", "bottleneck_size: must be positive, found -1"),
        ("dropout=1", "dropout: must be in 0 ..< 1"), ("flatt=true", "did you mean 'flat'?"),
        ("leave_out=[12]", "leave_out: there is no layer 12 (this model has 0 ... 11)"),
    ])
    func `mistakes are named in one line`(settings: String, expected: String) {
        let error = #expect(throws: ConfigurationError.self) {
            try BertBaseSites.parameters("prefix_tuning[\(settings)]")
        }
        #expect(error?.description.contains(expected) == true, "\(String(describing: error))")
    }
}
