import GraftAdapters
import GraftLayers
import GraftModels
import GraftTestSupport
import GraftTorch
import Testing

@Suite("Prompt tuning")
struct PromptTuningTests {
    private func method(_ text: String) throws -> any AdapterMethod {
        try AdapterRegistry.builtin.method(named: text)
    }

    private func output(
        _ text: String,
        wanted: WantedTokens,
        seed: UInt64? = nil,
        rows: Range<Int> = 0..<7
    ) throws -> (EncoderOutput, TokenBatch) {
        let encoder = try referenceEncoder()
        let fixture = try Fixture("bert/h16/expected")
        let (ids, types) = (try fixture.rows("ids"), try fixture.rows("type_ids"))
        let batch = try TokenBatch(
            rows: rows.map { (ids[$0], types[$0]) },
            keys: rows.map(Int64.init)
        )
        let adapters = try method(text)
            .attached(to: encoder.sites, ParameterScope(freshParameters(seed: 1)))
        let context = ForwardContext(
            layout: batch.layout,
            adapters: adapters,
            dropoutSeed: seed
        )
        return (try encoder(batch, in: context, wanted: wanted), batch)
    }

    @Test
    func `the preset has the reference's parameter count`() throws {
        let parameters = try BertBaseSites.parameters("prompt_tuning")
        #expect(parameters.map(\.name) == ["encoder.embeddings.prompt"])
        #expect(parameters.map(\.value.shape) == [[10, 768]])
        let values: [Double] = try parameters[0].value.values()
        #expect(values.allSatisfy { abs($0) <= 0.5 } && values.contains { abs($0) > 0.49 })
    }

    @Test(arguments: ["prefix", "prefix_after_bos"])
    func `whatever is asked for, states are those of the row's own tokens`(place: String) throws {
        let text = "prompt_tuning[prompt_length=3,combine=\(place)]"
        let (all, batch) = try output(text, wanted: .all)
        #expect(all.layout.offsets == batch.layout.offsets)
        #expect(all.hidden.shape == [batch.layout.tokenCount, 16])
        let (layers, _) = try output(text, wanted: .allWithLayers)
        #expect(layers.layers.count == 3)
        #expect(layers.layers.allSatisfy { $0.shape == all.hidden.shape })
        try expectClose(layers.hidden, all.hidden)
        try expectClose(try #require(layers.layers.last), all.hidden)
        // Positions and embeddings are as without a prompt.
        let frozen = try Fixture("bert/h16/expected")["hidden.0"]
        try expectClose(layers.layers[0], frozen)

        let (first, _) = try output(text, wanted: .first)
        #expect(first.layout.tokenCount == batch.layout.rowCount)
        try expectClose(first.hidden, all.firstTokens())
        try expectClose(try #require(try first.pooled()), try #require(try all.pooled()))
        let own = try batch.layout.firstTokens(of: all.hidden)
        #expect(try first.hidden.isEqual(to: own) == false || place == "prefix_after_bos")
        if place == "prefix_after_bos" { try expectClose(first.hidden, own) }
    }

    @Test(arguments: ["prompt_tuning", "prompt_tuning[combine=prefix_after_bos]"])
    func `a row's result does not depend on its batch`(text: String) throws {
        let (together, _) = try output(text, wanted: .all, seed: 4)
        let apart = try Tensor.concatenated(
            (0..<7).map { try output(text, wanted: .all, seed: 4, rows: $0..<$0 + 1).0.hidden }
        )
        try expectClose(apart, together.hidden)
    }

    @Test
    func `new tokens have names of their own, own tokens keep theirs`() throws {
        let layout = try RaggedLayout(lengths: [3, 1], keys: [7, -2])
        var context = ForwardContext(layout: layout)
        let x = try Tensor([Float](arrayLiteral: 1, 2, 3, 4), shape: [4, 1])
        let two = try Tensor([Float](arrayLiteral: 10, 20), shape: [2, 1])
        var grown = try context.insert(two, into: x, at: 1)
        #expect(try grown.values() == [1, 10, 20, 2, 3, 4, 10, 20] as [Double])
        grown = try context.insert(Tensor([Float(30)], shape: [1, 1]), into: grown, at: 0)
        #expect(try grown.values() == [30, 1, 10, 20, 2, 3, 30, 4, 10, 20] as [Double])
        #expect(context.layout.offsets == [0, 6, 10])
        #expect(
            try context.layout.rowOfToken.values() == [0, 0, 0, 0, 0, 0, 1, 1, 1, 1] as [Double]
        )
        let own = try #require(context.ownTokens)
        #expect(try own.values() == [1, 4, 5, 7] as [Int64])
        let keys: [Int64] = try context.layout.tokenKeys.values()
        #expect(Set(keys).count == keys.count)
        let before: [Int64] = try layout.tokenKeys.values()
        #expect([1, 4, 5, 7].map { keys[$0] } == before)
    }

    @Test
    func `a text starts the prompt as its words' embeddings, repeated`() throws {
        let text = #"prompt_tuning[prompt_length=5,prompt_init=from_string,prompt_init_text="a b"]"#
        let prepared = try method(text).prepared { text in
            #expect(text == "a b")
            return [3, 9]
        }
        let encoder = try referenceEncoder()
        let fresh = FreshParameters(seed: 0)
        _ = try prepared.attached(to: encoder.sites, ParameterScope(fresh))
        let words = try #require(encoder.sites.embedding[0].words)
        let expected = try words.selecting(Tensor([3, 9, 3, 9, 3] as [Int64]))
        try expectIdentical(fresh.parameters[0].value, expected)
        // What is stored needs the text no more.
        let stored = StoredParameters(["encoder.embeddings.prompt": expected])
        _ = try method(text).attached(to: encoder.sites, ParameterScope(stored))
        try stored.checkAllUsed()
        // Without its tokens there is no start.
        #expect(throws: TorchError.self) {
            try method(text).attached(
                to: encoder.sites,
                ParameterScope(FreshParameters(seed: 0))
            )
        }
    }

    @Test(arguments: [
        ("prompt_length=0", "prompt_length: must be positive, found 0"),
        ("combine=behind", "expected one of \"prefix\", \"prefix_after_bos\""),
        ("prompt_init=from_string", "\"from_string\" needs a text"),
        ("prompt_init_text=x", "prompt_init_text: is for prompt_init=from_string alone"),
        ("random_uniform_scale=0", "random_uniform_scale: must be positive"),
        ("prompt_init=from_string,prompt_init_ids=[64]", "there is no token 64"),
    ])
    func `mistakes are named in one line`(settings: String, expected: String) throws {
        let encoder = try referenceEncoder()
        let error = #expect(throws: ConfigurationError.self) {
            try method("prompt_tuning[\(settings)]")
                .attached(to: encoder.sites, ParameterScope(FreshParameters(seed: 0)))
        }
        #expect(error?.description.contains(expected) == true, "\(String(describing: error))")
    }

    @Test func `P-tuning has an MLP of the model's width, and no LSTM`() throws {
        let sites = try referenceEncoder().sites
        let fresh = FreshParameters(seed: 1)
        _ = try method("p_tuning").attached(to: sites, ParameterScope(fresh))
        let shapes = fresh.parameters.map { ($0.name, $0.value.shape) }
        let expected = [
            ("embedding", [20, 16]), ("mlp.0.weight", [16, 16]), ("mlp.0.bias", [16]),
            ("mlp.1.weight", [16, 16]), ("mlp.1.bias", [16]), ("mlp.2.weight", [16, 16]),
            ("mlp.2.bias", [16]),
        ]
        #expect(shapes.map(\.0) == expected.map { "encoder.embeddings." + $0.0 })
        #expect(shapes.map(\.1) == expected.map(\.1))
        let error = #expect(throws: ConfigurationError.self) {
            try method("p_tuning[encoder_reparameterization_type=LSTM]")
        }
        #expect(error?.problem == "'LSTM' is not supported (hint: MLP)")
    }
}
