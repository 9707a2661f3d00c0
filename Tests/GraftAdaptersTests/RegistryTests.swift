import Foundation
import GraftAdapters
import GraftLayers
import GraftTestSupport
import GraftTorch
import Testing

@Suite("Methods by name")
struct RegistryTests {
    private func bottleneck(_ text: String) throws -> Bottleneck {
        try #require(try AdapterRegistry.builtin.method(named: text) as? Bottleneck)
    }

    @Test
    func `every listed name is a method`() throws {
        let names = AdapterRegistry.builtin.names
        #expect(Set(names).count == names.count)
        #expect(names.contains("double_seq_bn"))
        for name in names { _ = try AdapterRegistry.builtin.method(named: name) }
    }

    @Test
    func `docs tell of every name and every setting`() throws {
        let path = Fixture.folder.appending(path: "../../docs/methods.md")
        let page = try String(contentsOf: path.standardized, encoding: .utf8)
        for name in AdapterRegistry.builtin.names {
            #expect(page.contains("`\(name)`"), "\(name)")
            let method = try AdapterRegistry.builtin.method(named: name)
            guard !(method is Union) else { continue }
            let json = try JSONSerialization.jsonObject(with: JSONEncoder().encode(method))
            for setting in try #require(json as? [String: Any]).keys {
                #expect(page.contains("`\(setting)`"), "\(name): \(setting)")
            }
        }
    }

    @Test
    func `synonyms are the same method`() throws {
        #expect(try bottleneck("houlsby") == bottleneck("double_seq_bn"))
        #expect(try bottleneck("pfeiffer") == bottleneck("seq_bn"))
    }

    @Test
    func `settings in brackets change the preset`() throws {
        let method = try bottleneck(
            #"seq_bn[ reduction_factor = {"1": 8, "default": 16}, non_linearity=gelu, leave_out=[0, 2] ]"#
        )
        #expect(method.reductionFactor.byLayer == [1: 8])
        #expect(method.reductionFactor.standard == 16)
        #expect(method.activation == .gelu)
        #expect(method.leaveOut == [0, 2])
        #expect(method.readsBlockNorm, "the rest is the preset's")
        #expect(try bottleneck("seq_bn[]") == bottleneck("seq_bn"))
        let targets = try AdapterRegistry.builtin.method(named: "lora[target_modules=[query, key]]")
        let quoted = try AdapterRegistry.builtin.method(
            named: #"lora[target_modules=["query","key"]]"#
        )
        #expect(targets as? LoRA == quoted as? LoRA && quoted is LoRA)
        #expect(try bottleneck("par_bn[scaling=2]").scaling == .constant(2))
        #expect(try bottleneck("par_bn[scaling=channel]").scaling == .channel)
        #expect(try bottleneck("seq_bn[residual_before_ln=post_add]").residual == .sum)
    }

    static let mistakes = [
        ("duoble_seq_bn", "method: unknown method 'duoble_seq_bn' (did you mean 'double_seq_bn'?)"),
        ("seq_bn[reduction_factor=8", "method: 'seq_bn[reduction_factor=8' has no closing bracket"),
        ("seq_bn[reduction_factor]", "method: 'reduction_factor' is not of the form setting=value"),
        ("seq_bn[reduction_facto=8]", "did you mean 'reduction_factor'?"),
        ("seq_bn[reduction_factor=0]", "reduction_factor: must be positive, found 0.0"),
        ("seq_bn[reduction_factor=many]", "reduction_factor: expected a number or an object"),
        ("seq_bn[reduction_factor={\"x\":2}]", "reduction_factor: 'x' is neither a layer number"),
        ("seq_bn[non_linearity=relo]", "did you mean \"relu\"?"),
        ("seq_bn[output_adapter=false]", "output_adapter: there is no adapter at all"),
        ("seq_bn[dropout=1]", "dropout: must be in 0 ..< 1, found 1.0"),
        ("par_bn[residual_before_ln=post_add]", "residual_before_ln: \"post_add\" needs"),
        ("seq_bn[scaling=big]", "scaling: expected a number, \"learned\" or \"channel\""),
        ("head[rank=1]", "unknown setting 'rank'"),
        ("lora[r=8,r=4]", "method: 'lora[r=8,r=4]' sets 'r' twice"),
    ]

    @Test(arguments: mistakes)
    func `mistakes are named in one line`(text: String, expected: String) {
        let error = #expect(throws: ConfigurationError.self) {
            try AdapterRegistry.builtin.method(named: text)
        }
        let description = error?.description ?? ""
        #expect(description.contains(expected), "\(description)")
        #expect(!description.contains("\n"))
    }

    @Test
    func `unknown names list the known ones where none is near`() {
        let error = #expect(throws: ConfigurationError.self) {
            try AdapterRegistry.builtin.method(named: "zzzzzzzz")
        }
        #expect(error?.problem.contains("known: double_seq_bn, houlsby, seq_bn") == true)
        #expect(throws: ConfigurationError.self) {
            try AdapterRegistry.builtin.type(identifier: "lohra")
        }
    }
}

@Suite("Bottleneck on BERT-base's shape")
struct BottleneckShapeTests {
    /// The hidden sites of 12 layers of 768.
    private static let sites: SiteMap = {
        var sites = SiteMap()
        for layer in 0..<12 {
            sites.hidden += [Site.Role.attention, .feedForward].map {
                HiddenSite(
                    Site(.encoder, layer: layer, $0),
                    size: 768,
                    layerCount: 12,
                    isPostNorm: true
                )
            }
        }
        return sites
    }()

    private func parameters(
        _ text: String,
        seed: UInt64 = 1
    ) throws -> [(name: String, value: Tensor)] {
        let fresh = FreshParameters(seed: seed)
        let method = try AdapterRegistry.builtin.method(named: text)
        _ = try method.attached(to: BottleneckShapeTests.sites, ParameterScope(fresh))
        return fresh.parameters
    }

    // The counts of `adapters` 1.3.0 on bert-base-uncased.
    @Test(arguments: [
        ("seq_bn", 894_528), ("double_seq_bn", 1_789_056), ("par_bn", 7_091_712),
        ("seq_bn[reduction_factor=2]", 7_091_712), ("scaled_par_bn", 7_091_724),
        ("seq_bn[leave_out=[0,1,2,3,4,5]]", 894_528 / 2),
    ])
    func `presets have the reference's parameter counts`(text: String, count: Int) throws {
        #expect(try parameters(text).reduce(0) { $0 + $1.value.count } == count)
    }

    @Test(arguments: [
        ("bert", 0.02, 0.02), ("houlsby", 0.0087962, 0.0087962),
        ("mam_adapter", 1 / (3.0 * 768).squareRoot(), 0),
    ])
    func `weights start as configured`(start: String, down: Double, up: Double) throws {
        let parameters = try parameters(
            "seq_bn[init_weights=\(start),leave_out=[1,2,3,4,5,6,7,8,9,10,11]]"
        )
        for (name, value) in parameters {
            let deviation = try value.squared().mean().item().squareRoot()
            let expected = name.hasSuffix("bias") ? 0 : name.contains("down") ? down : up
            #expect(abs(deviation - expected) <= 0.02 * expected, "\(name)")
        }
    }

    @Test
    func `a seed of its own fixes the start and tells layers apart`() throws {
        let (a, b) = (
            try parameters("seq_bn[init_weights_seed=5]", seed: 1),
            try parameters("seq_bn[init_weights_seed=5]", seed: 2)
        )
        for (a, b) in zip(a, b) { try expectIdentical(a.value, b.value, a.name) }
        let first = try #require(a.first { $0.name == "encoder.0.feed_forward.down.weight" })
        let second = try #require(a.first { $0.name == "encoder.1.feed_forward.down.weight" })
        #expect(try !first.value.isEqual(to: second.value))
        let other = try parameters("seq_bn[init_weights_seed=6]", seed: 1)
        #expect(try !other[0].value.isEqual(to: a[0].value))
    }

    @Test
    func `layers that do not exist are named`() {
        for (text, field) in [
            ("seq_bn[leave_out=[12]]", "leave_out"),
            (#"seq_bn[reduction_factor={"13":2,"default":4}]"#, "reduction_factor"),
            (#"seq_bn[reduction_factor={"1":2}]"#, "reduction_factor"),
        ] {
            let error = #expect(throws: ConfigurationError.self) { try parameters(text) }
            #expect(error?.field == field)
        }
    }

    @Test(arguments: [
        ("seq_bn", 0, ""), ("seq_bn[reduction_factor=128]", 1, "a bottleneck of 6 is small"),
        ("seq_bn[reduction_factor=1]", 1, "it compresses nothing"),
        ("seq_bn[mh_adapter=true,output_adapter=false]", 1, "after attention only"),
        ("par_bn[original_ln_after=false]", 1, "loses the block's residual connection"),
    ])
    func `pitfalls are warned of`(text: String, count: Int, expected: String) throws {
        let lines = try AdapterRegistry.builtin.method(named: text)
            .warnings(for: BottleneckShapeTests.sites, isSequenceTask: true)
        #expect(lines.count == count)
        #expect(count == 0 || lines[0].contains(expected), "\(lines)")
    }
}
