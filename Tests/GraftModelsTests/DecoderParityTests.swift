import GraftLayers
import GraftModels
import GraftTestSupport
import GraftTorch
import Testing

/// Against `transformers` 4.57.6; the fixtures' files are made by `Tools/reference/decoders.py`.
@Suite("Causal models against transformers 4.57.6")
struct DecoderParityTests {
    static let models = [
        "llama/gqa", "llama/tied", "mistral/window", "qwen2/tied", "qwen2/window", "gpt2/tied",
        "gpt2/untied",
    ]

    @Test(arguments: models)
    func `every layer and the logits equal the reference`(name: String) throws {
        let fixture = try Fixture(name + "/expected")
        let model = try referenceLanguageModel(name)
        let batch = try fixture.batch()
        let context = ForwardContext(layout: batch.layout)
        let output = try model(batch, in: context, wanted: .allWithLayers)
        #expect(output.layers.count == model.shape.layerCount + 1)
        for (index, layer) in output.layers.dropLast().enumerated() {
            try expectClose(layer, fixture["hidden.\(index)"], "hidden.\(index)")
        }
        // The reference's last layer is behind the final norm.
        let last = "hidden.\(model.shape.layerCount)"
        try expectClose(output.hidden, fixture[last], "\(last)")
        try expectClose(model.scores(output.hidden, in: context), fixture["logits"], "logits")
    }

    @Test(arguments: models)
    func `the gradient at the embeddings equals the reference`(name: String) throws {
        let fixture = try Fixture(name + "/expected")
        let model = try referenceLanguageModel(name)
        let batch = try fixture.batch()
        let probe = EmbeddingProbe(
            zero: try Tensor(zeros: fixture["grad.embeddings"].shape, device: testDevice)
                .trainable()
        )
        var adapters = SiteAdapters()
        adapters.embedding[model.embeddingSite] = probe
        let context = ForwardContext(layout: batch.layout, adapters: adapters)
        let hidden = try model(batch, in: context, wanted: .all).hidden
        let logits = try model.scores(hidden, in: ForwardContext(layout: batch.layout))
        let gradient = try gradients(of: logits, seed: fixture["w"], for: [probe.zero])
        try expectClose(gradient[0], fixture["grad.embeddings"])
    }

    @Test
    func `a sharded checkpoint is the same model`() throws {
        let fixture = try Fixture("llama/gqa/expected")
        let model = try referenceLanguageModel("llama/gqa_sharded")
        let batch = try fixture.batch()
        let context = ForwardContext(layout: batch.layout)
        let hidden = try model(batch, in: context, wanted: .all).hidden
        try expectClose(model.scores(hidden, in: context), fixture["logits"])
    }

    @Test(arguments: models)
    func `wanted tokens alone equal those of all tokens`(name: String) throws {
        let model = try referenceLanguageModel(name)
        let batch = try Fixture(name + "/expected").batch()
        let context = ForwardContext(layout: batch.layout)
        let all = try model(batch, in: context, wanted: .all).hidden
        let chosen: [Int64] = [1, 2, 7, 20, 21, 34]
        let lasts = batch.layout.offsets.dropFirst().map { $0 - 1 }
        let firsts = Array(batch.layout.offsets.dropLast())
        for (wanted, places) in [
            (WantedTokens.last, lasts), (.first, firsts), (.chosen(chosen), chosen),
        ] {
            let some = try model(batch, in: context, wanted: wanted)
            #expect(some.layout.tokenCount == places.count)
            try expectClose(some.hidden, all.selecting(Tensor(places)), "\(wanted)")
        }
    }

    @Test(arguments: models)
    func `cached keys and values give what a whole pass gives`(name: String) throws {
        let fixture = try Fixture(name + "/expected")
        let model = try referenceLanguageModel(name)
        let batch = try fixture.batch()
        let whole = try model(batch, in: ForwardContext(layout: batch.layout), wanted: .all).hidden
        // The first token of each row, then up to three more at a time; a row that has ended waits
        // outside.
        let rows = try fixture.rows("ids")
        let cache = KeyValueCache(rows: rows.count, capacity: 2)
        var (alive, lengths) = (Array(rows.indices), rows.map { _ in 0 })
        for count in [1, 3, 2, 3, 3] {
            let left = alive.indices.filter { lengths[alive[$0]] < rows[alive[$0]].count }
            try cache.keep(rows: left)
            alive = left.map { alive[$0] }
            let parts = alive.map { Array(rows[$0][lengths[$0]...].prefix(count)) }
            let part = try tokenBatch(parts, starts: alive.map { lengths[$0] })
            var context = ForwardContext(layout: part.layout)
            context.cache = cache
            let hidden = try withoutGradients { () throws(TorchError) in
                try model(part, in: context, wanted: .all).hidden
            }
            let places = zip(alive, parts).flatMap { row, tokens in
                tokens.indices.map { batch.layout.offsets[row] + Int64(lengths[row] + $0) }
            }
            try expectClose(
                hidden,
                whole.selecting(Tensor(places).moved(to: testDevice)),
                "\(count) tokens"
            )
            for (row, tokens) in zip(alive, parts) { lengths[row] += tokens.count }
        }
        #expect(lengths == rows.map(\.count))
    }
}

/// Adds a zero to the embeddings, whose gradient is the gradient there.
private struct EmbeddingProbe: EmbeddingAdapter {
    let zero: Tensor

    func callAsFunction(
        _ embedded: Tensor,
        at site: Site,
        in context: inout ForwardContext
    ) throws(TorchError) -> Tensor { try embedded + zero }
}
