import GraftAdapters
import GraftLayers
import GraftModels
import GraftTestSupport
import GraftTorch
import Testing

@Suite("Compacter")
struct CompacterTests {
    // The first two are the counts of `adapters` 1.3.0 on bert-base-uncased.
    @Test(arguments: [
        ("compacter", 57_088), ("compacter++", 28_576),
        // Left and right of both projections once instead of 24 times.
        ("compacter[shared_W_phm=true]", 57_088 - 23 * (2 * 768 + 2 * 24)),
        // A rule for each of 48 projections.
        ("compacter[shared_phm_rule=false]", 57_088 - 64 + 48 * 64),
        ("compacter[factorized_phm_rule=true]", 57_088 - 64 + 32),
        ("compacter[phm_bias=false]", 57_088 - 24 * (768 + 24)),
        ("compacter[factorized_phm_W=false]", 24 * (2 * 768 * 24 / 4 + 792) + 64),
    ])
    func `presets have the reference's parameter counts`(text: String, count: Int) throws {
        #expect(try BertBaseSites.parameters(text).reduce(0) { $0 + $1.value.count } == count)
    }

    @Test(arguments: [
        ("", 1e-4, (2.0 / 193).squareRoot()), (",phm_c_init=uniform", 1 / 3.0.squareRoot(), nil),
        (",hypercomplex_nonlinearity=glorot-normal", 1e-4, (2.0 / 193).squareRoot()),
        (",hypercomplex_nonlinearity=normal,phm_init_range=0.5", 0.5, 0.5),
    ])
    func `rules and weights start as configured`(
        settings: String,
        rule: Double,
        left: Double?
    ) throws {
        let parameters = try BertBaseSites.parameters("compacter++[leave_out=[0]\(settings)]")
        func deviation(_ suffix: String) throws -> Double {
            let found = parameters.filter { $0.name.hasSuffix(suffix) }.map { $0.value }
            let flat = try Tensor.concatenated(found.map { try $0.reshaped(-1) })
            return try flat.squared().mean().item().squareRoot()
        }
        #expect(try abs(deviation("shared.rule") - rule) <= 0.3 * rule)
        if let left { #expect(try abs(deviation("down.left") - left) <= 0.05 * left) }
        #expect(try deviation("bias") == 0)
    }

    @Test
    func `shared whole weights act as equal ones of each adapter`() throws {
        let encoder = try referenceEncoder()
        let batch = try Fixture("bert/h16/expected").batch()
        let generator = try Generator(seed: 2)
        let rule = try generator.noise([4, 4, 4])
        let (down, up) = (try generator.noise([4, 4, 1]), try generator.noise([4, 1, 4]))
        func hidden(_ settings: String, _ tensors: [String: Tensor]) throws -> Tensor {
            var tensors = tensors
            tensors["shared.rule"] = rule
            let method = try AdapterRegistry.builtin.method(
                named: "compacter++[factorized_phm_W=false,phm_bias=false,\(settings)]"
            )
            let stored = StoredParameters(tensors)
            let adapters = try method.attached(to: encoder.sites, ParameterScope(stored))
            try stored.checkAllUsed()
            let context = ForwardContext(layout: batch.layout, adapters: adapters)
            return try encoder(batch, in: context, wanted: .all).hidden
        }
        let shared = try hidden(
            "shared_W_phm=true",
            ["shared.down.weight": down, "shared.up.weight": up]
        )
        var own: [String: Tensor] = [:]
        for layer in 0..<2 {
            own["encoder.\(layer).feed_forward.down.weight"] = down
            own["encoder.\(layer).feed_forward.up.weight"] = up
        }
        try expectIdentical(shared, hidden("shared_W_phm=false", own))
    }

    @Test
    func `rules that are not learned have no gradient and no rate`() throws {
        let frozen = try AdapterRegistry.builtin.method(named: "compacter[learn_phm=false]")
        let learned = try AdapterRegistry.builtin.method(named: "compacter")
        for name in ["adapter.shared.rule", "adapter.encoder.0.attention.down.rule_left"] {
            #expect(frozen.learningRateFactor(name) == 0)
            #expect(learned.learningRateFactor(name) == 1)
        }
        #expect(frozen.learningRateFactor("adapter.encoder.0.attention.down.left") == 1)
        #expect(frozen.learningRateFactor("head.0.weight") == 1)

        let encoder = try referenceEncoder()
        let fresh = FreshParameters(seed: 0)
        _ = try frozen.attached(to: encoder.sites, ParameterScope(fresh))
        let buffer = try ParameterBuffer(fresh.parameters, device: testDevice)
        let leaves = zip(buffer.slices, buffer.leaves).map { ($0.name, $1) }
        let stored = StoredParameters(Dictionary(uniqueKeysWithValues: leaves))
        let adapters = try frozen.attached(to: encoder.sites, ParameterScope(stored))
        let batch = try Fixture("bert/h16/expected").batch()
        let context = ForwardContext(layout: batch.layout, adapters: adapters)
        let loss = try encoder(batch, in: context, wanted: .all).hidden.squared().squared().sum()
        let found = try gradients(of: loss, for: buffer.leaves)
        for (slice, gradient) in zip(buffer.slices, found) {
            let isZero = try gradient.squared().sum().item() == 0
            #expect(isZero == (slice.name == "shared.rule"), "\(slice.name)")
        }
    }

    @Test(arguments: [
        ("phm_dim=5", "phm_dim: 5 does not divide both the hidden size 768 and the bottleneck 24"),
        ("reduction_factor=30", "phm_dim: 4 does not divide"),
        ("phm_rank=0", "phm_rank: must be positive, found 0"),
        ("init_weights=mam_adapter", "init_weights: phm_layer=true starts weights as"),
        ("phm_c_init=zero", "phm_c_init: expected one of \"normal\", \"uniform\""),
        ("phm_init_range=0", "phm_init_range: must be positive"),
        (
            #"shared_W_phm=true,reduction_factor={"3":16,"default":32}"#,
            "shared_W_phm: encoder.3.attention is 768 wide with a bottleneck of 48"
        ),
    ])
    func `mistakes are named in one line`(settings: String, expected: String) {
        let error = #expect(throws: ConfigurationError.self) {
            try BertBaseSites.parameters("compacter[\(settings)]")
        }
        #expect(error?.description.contains(expected) == true, "\(String(describing: error))")
    }
}
