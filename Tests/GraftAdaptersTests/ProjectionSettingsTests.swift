import GraftAdapters
import GraftLayers
import GraftTestSupport
import GraftTorch
import Testing

@Suite("LoRA, (IA)3 and VeRA on BERT-base's shape")
struct ProjectionSettingsTests {
    // LoRA and (IA)3: the counts of `adapters` 1.3.0 on bert-base-uncased; the others: of `peft` 0.21.2.
    @Test(arguments: [
        ("lora", 294_912), ("rslora", 294_912), ("dora", 294_912 + 24 * 768),
        ("lora[use_gating=true]", 294_912 + 24 * 769),
        ("lora[bias=lora_only]", 294_912 + 24 * 768),
        ("lora[leave_out=[0,1,2,3,4,5]]", 294_912 / 2),
        ("lora[r=16,target_modules=all-linear]", 2_654_208),
        (#"lora[rank_pattern={"query":4,"3.query":16}]"#, 294_912 + (8 - 11 * 4) * 1536),
        ("ia3", 55_296), ("ia3_paper", 55_296), ("vera", 24 * (256 + 768)),
        ("vera[r=1024]", 43_008),
    ])
    func `presets have the references' parameter counts`(text: String, count: Int) throws {
        #expect(try BertBaseSites.parameters(text).reduce(0) { $0 + $1.value.count } == count)
    }

    static let starts: [(String, String, Double)] = [
        ("lora", "lora_A", 1 / (3.0 * 768).squareRoot()), ("lora", "lora_B", 0),
        ("lora[init_weights=bert]", "lora_A", 0.02), ("lora[init_weights=bert]", "lora_B", 0.02),
        ("lora[use_gating=true]", "gate.weight", 0.02),
        ("ia3", "scale", 1), ("vera", ".d", 0.1), ("vera[d_initial=0.5]", ".d", 0.5),
        ("vera", ".b", 0),
    ]

    @Test(arguments: starts)
    func `parameters start as configured`(
        text: String,
        name: String,
        expected: Double
    ) throws {
        let found = try BertBaseSites.parameters(text).filter { $0.name.hasSuffix(name) }
        #expect(!found.isEmpty)
        let flat = try Tensor.concatenated(found.map { try $0.value.reshaped(-1) })
        let deviation = try flat.squared().mean().item().squareRoot()
        #expect(abs(deviation - expected) <= 0.02 * expected)
    }

    @Test
    func `a seed of its own fixes the start and tells projections apart`() throws {
        let text = "lora[init_weights_seed=5]"
        let (a, b) = (
            try BertBaseSites.parameters(text, seed: 1), try BertBaseSites.parameters(text, seed: 2)
        )
        for (a, b) in zip(a, b) { try expectIdentical(a.value, b.value, a.name) }
        #expect(try !a[0].value.isEqual(to: a[2].value))
        let plain = try BertBaseSites.parameters("lora", seed: 1)
        #expect(try !plain[0].value.isEqual(to: a[0].value))
    }

    static let mistakes = [
        ("lora[rank=4]", "unknown setting 'rank'"),
        ("lora[r=0]", "r: must be positive, found 0"),
        ("lora[alpha=-1]", "alpha: must be positive, found -1.0"),
        ("lora[dropout=1]", "dropout: must be in 0 ..< 1, found 1.0"),
        (#"lora[target_modules=["qery"]]"#, "'qery' is no projection (did you mean 'query'?)"),
        (#"lora[target_modules=["fc2"]]"#, "'fc2' is no projection (did you mean 'down'?)"),
        ("lora[target_modules=query]", "target_modules: expected \"all-linear\" or a list"),
        ("lora[target_modules=[]]", "target_modules: expected \"all-linear\" or a list"),
        (#"lora[target_modules=["gate"]]"#, "target_modules: this model has no gate projection"),
        ("lora[leave_out=[12]]", "leave_out: there is no layer 12 (this model has 0 ... 11)"),
        ("lora[leave_out=[0,1,2,3,4,5,6,7,8,9,10,11]]", "leave_out: no layer of 12 is left"),
        (#"lora[rank_pattern={"key":4}]"#, "rank_pattern: 'key' is no adapted projection"),
        (#"lora[rank_pattern={"query":0}]"#, "rank_pattern: must be positive, found 0"),
        (#"lora[alpha_pattern={"3.qurey":4}]"#, "alpha_pattern: '3.qurey' is no adapted"),
        ("lora[init_weights=pisa]", "did you mean \"pissa\"?"),
        ("lora[loraplus_lr_ratio=0]", "loraplus_lr_ratio: must be positive, found 0.0"),
        ("lora[use_gating=true,use_dora=true]", "use_gating: a gate in place of the scale"),
        ("pissa[use_gating=true]", "does not go with init_weights=pissa"),
        ("pissa[r=769]", "r: pissa takes at most rank 768 from encoder.0.query, found 769"),
        ("ia3[feedforward=up]", "feedforward: expected one of"),
        (#"ia3[target_modules=["up"]]"#, "feedforward: up is one of target_modules already"),
        ("vera[d_initial=0]", "d_initial: must not be 0"),
        ("vera[r=0]", "r: must be positive, found 0"),
    ]

    @Test(arguments: mistakes)
    func `mistakes are named in one line`(text: String, expected: String) {
        let error = #expect(throws: ConfigurationError.self) { try BertBaseSites.parameters(text) }
        let description = error?.description ?? ""
        #expect(description.contains(expected), "\(description)")
        #expect(!description.contains("\n"))
    }

    @Test
    func `a rank that compresses nothing is warned of`() throws {
        let sites = try BertBaseSites.all()
        func warnings(_ text: String) throws -> [String] {
            try AdapterRegistry.builtin.method(named: text)
                .warnings(for: sites, isSequenceTask: true)
        }
        #expect(try warnings("lora[r=767]").isEmpty)
        #expect(
            try warnings("lora[r=768]") == [
                "rank 768 at encoder.0.query is no less than the projection's own (768):"
                    + " it compresses nothing (hint: r=8)"
            ]
        )
    }

    @Test
    func `only the second factor learns faster`() throws {
        let method = try AdapterRegistry.builtin.method(named: "dora[loraplus_lr_ratio=16]")
        for (name, factor) in [("lora_A", 1.0), ("lora_B", 16), ("magnitude", 1)] {
            #expect(method.learningRateFactor("adapter.encoder.0.query.\(name)") == factor)
        }
        #expect(method.learningRateFactor("head.0.weight") == 1)
    }
}
