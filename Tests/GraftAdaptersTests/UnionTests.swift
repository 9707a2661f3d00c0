import Foundation
import GraftAdapters
import GraftLayers
import GraftModels
import GraftTestSupport
import GraftTorch
import Testing

@Suite("Unions of methods")
struct UnionTests {
    private func method(_ text: String) throws -> any AdapterMethod {
        try AdapterRegistry.builtin.method(named: text)
    }

    private func parameters(_ text: String) throws -> [(name: String, value: Tensor)] {
        let fresh = FreshParameters(seed: 1)
        let encoder = try referenceEncoder()
        _ = try method(text).attached(to: encoder.sites, ParameterScope(fresh))
        return fresh.parameters
    }

    // The counts of `adapters` 1.3.0 on bert-base-uncased.
    @Test(arguments: [("mam", 22_493_984), ("unipelt", 11_083_376)])
    func `presets have the reference's parameter counts`(text: String, count: Int) throws {
        #expect(try BertBaseSites.parameters(text).reduce(0) { $0 + $1.value.count } == count)
    }

    @Test
    func `presets are their members`() throws {
        for (preset, written) in [
            ("mam", "prefix_tuning[bottleneck_size=800]|par_bn"),
            (
                "unipelt",
                "prefix_tuning[prefix_length=10,use_gating=true] | seq_bn[use_gating=true]"
                    + "| lora[r=8,alpha=2,use_gating=true]"
            ),
        ] {
            let (a, b) = (
                try #require(method(preset) as? Union), try #require(method(written) as? Union)
            )
            #expect(try MethodCase.stored(a) == MethodCase.stored(b))
        }
    }

    @Test
    func `unions inside unions are taken apart, settings may hold bars`() throws {
        let union = try #require(method("mam|seq_bn[leave_out=[0]]") as? Union)
        #expect(union.members.count == 3)
        let text = #"prompt_tuning[prompt_init=from_string,prompt_init_text="a|b"]"#
        #expect((try method(text) as? PromptTuning)?.startText == "a|b")
    }

    @Test
    func `each member's parameters carry its number behind the site`() throws {
        let text = "prefix_tuning|seq_bn[leave_out=[0]]|prompt_tuning|par_bn"
        let names = Set(try parameters(text).map(\.name))
        for name in [
            "shared.0.encoder.self_attention.embedding", "encoder.1.self_attention.0.key.weight",
            "encoder.1.feed_forward.1.down.weight", "encoder.embeddings.2.prompt",
            "encoder.1.feed_forward.3.down.weight", "encoder.0.feed_forward.3.up.bias",
        ] {
            #expect(names.contains(name), "\(name)")
        }
        #expect(!names.contains("encoder.0.feed_forward.1.down.weight"))
    }

    @Test
    func `a parameter learns as its own member says`() throws {
        let union = try method(#"lora|lora[target_modules=["key"],loraplus_lr_ratio=4]"#)
        #expect(union.learningRateFactor("adapter.encoder.0.query.0.lora_B") == 1)
        #expect(union.learningRateFactor("adapter.encoder.0.key.1.lora_B") == 4)
        #expect(union.learningRateFactor("adapter.encoder.0.key.1.lora_A") == 1)
        #expect(union.learningRateFactor("head.0.weight") == 1)
    }

    @Test
    func `texts of members are prepared`() throws {
        let text = "lora|prompt_tuning[prompt_init=from_string,prompt_init_text=good]"
        let union = try #require(method(text).prepared { _ in [7] } as? Union)
        #expect((union.members[1] as? PromptTuning)?.startTokens == [7])
    }

    /// The last hidden states with stored parameters.
    private func hidden(
        _ text: String,
        _ tensors: [String: Tensor],
        seed: UInt64? = nil
    ) throws -> Tensor {
        let encoder = try referenceEncoder()
        let batch = try Fixture("bert/h16/expected").batch()
        let stored = StoredParameters(tensors)
        let adapters = try method(text).attached(to: encoder.sites, ParameterScope(stored))
        try stored.checkAllUsed()
        let context = ForwardContext(
            layout: batch.layout,
            adapters: adapters,
            dropoutSeed: seed
        )
        return try encoder(batch, in: context, wanted: .all).hidden
    }

    @Test
    func `two prefixes of an attention are one after the other`() throws {
        let generator = try Generator(seed: 3)
        var (separate, joined): ([String: Tensor], [String: Tensor]) = ([:], [:])
        for name in ["key", "value"] {
            let (first, second) = (try generator.noise([2, 16]), try generator.noise([3, 16]))
            separate["encoder.0.self_attention.0.\(name)"] = first
            separate["encoder.0.self_attention.1.\(name)"] = second
            joined["encoder.0.self_attention.\(name)"] = try Tensor.concatenated([second, first])
        }
        let one = "prefix_tuning_flat[prefix_length=5,leave_out=[1]]"
        func two(_ dropout: Double) -> String {
            "prefix_tuning_flat[prefix_length=2,leave_out=[1],dropout=\(dropout)]"
                + "|prefix_tuning_flat[prefix_length=3,leave_out=[1]]"
        }
        let expected = try hidden(one, joined)
        try expectClose(hidden(two(0), separate), expected)
        // A dropout so small that it drops nothing, and makes the first prefix one of each row.
        try expectClose(hidden(two(1e-9), separate, seed: 2), hidden(one, joined, seed: 2))
        #expect(try !hidden(two(0.5), separate, seed: 2).isEqual(to: expected))
    }

    @Test
    func `two adapters beside one feed-forward are one of both widths`() throws {
        let generator = try Generator(seed: 4)
        var (separate, joined): ([String: Tensor], [String: Tensor]) = ([:], [:])
        var biases: [Tensor] = []
        var (downs, ups, downBiases): ([Tensor], [Tensor], [Tensor]) = ([], [], [])
        for number in 0..<2 {
            let site = "encoder.0.feed_forward.\(number)"
            downs.append(try generator.noise([4, 16]))
            ups.append(try generator.noise([16, 4]))
            downBiases.append(try generator.noise([4]))
            biases.append(try generator.noise([16]))
            separate[site + ".down.weight"] = downs[number]
            separate[site + ".down.bias"] = downBiases[number]
            separate[site + ".up.weight"] = ups[number]
            separate[site + ".up.bias"] = biases[number]
        }
        let site = "encoder.0.feed_forward"
        joined[site + ".down.weight"] = try Tensor.concatenated(downs)
        joined[site + ".down.bias"] = try Tensor.concatenated(downBiases)
        joined[site + ".up.weight"] = try Tensor.concatenated(ups, along: 1)
        joined[site + ".up.bias"] = try biases[0] + biases[1]
        let part = "par_bn[reduction_factor=4,leave_out=[1]]"
        try expectClose(
            hidden("\(part)|\(part)", separate),
            hidden("par_bn[reduction_factor=2,leave_out=[1]]", joined)
        )
    }

    @Test(arguments: [
        ("lora|", "unknown method ''"), ("lora|hed", "did you mean 'head'?"),
        ("lora|head", "'head' adds nothing to a frozen model"),
        ("full|lora", "'full' adds nothing to a frozen model"),
        ("bitfit|layer_norm", "two members of the union train the norm at encoder"),
        (
            "adapter_plus|seq_bn",
            "original_ln_after: false leaves nothing for a second adapter at encoder.0.feed_forward"
        ),
        ("mam[prefix_length=3]", "unknown setting 'prefix_length' (known: members)"),
        ("lora|seq_bn[reduction_factor=0]", "reduction_factor: must be positive"),
    ])
    func `mistakes are named in one line`(text: String, expected: String) {
        let error = #expect(throws: ConfigurationError.self) { try parameters(text) }
        #expect(error?.description.contains(expected) == true, "\(String(describing: error))")
        #expect(error?.description.contains("\n") == false)
    }
}
