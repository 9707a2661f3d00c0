import Foundation
import GraftFormats
import GraftLayers
import GraftModels
import GraftTestSupport
import GraftTorch
import GraftTraining
import Testing

/// Against `transformers` 4.57.6; the fixtures are made by `Tools/reference/t5.py`.
@Suite("T5 against transformers 4.57.6")
struct T5ParityTests {
    static let models = ["t5/v1_0", "t5/v1_1", "mt5/gelu", "mt5/silu"]

    /// A model, and of its weights those that are trained.
    private func model(
        _ name: String,
        training names: Set<String> = []
    ) throws -> (T5, leaves: [String: Tensor]) {
        let folder = Fixture.folder.appending(path: name).path(percentEncoded: false)
        let weights = TrainedWeights(
            ParametersOnDevice(
                CheckpointParameters(try Checkpoint(path: folder), prefix: T5.checkpointPrefix),
                device: testDevice
            ),
            names: names
        )
        let file = try ConfigurationFile(path: folder + "/config.json")
        return (try T5(file, ParameterScope(weights)), weights.leaves)
    }

    private func expectLayers(
        _ output: EncoderOutput,
        _ fixture: Fixture,
        _ prefix: String,
        count: Int
    ) throws {
        #expect(output.layers.count == count + 1)
        for (index, layer) in output.layers.dropLast().enumerated() {
            let name = "\(prefix)hidden.\(index)"
            try expectClose(layer, fixture[name], name)
        }
        // The reference's last layer is behind the final norm.
        let last = "\(prefix)hidden.\(count)"
        try expectClose(output.hidden, fixture[last], last)
    }

    @Test(arguments: models)
    func `every layer of both towers and the logits equal the reference`(name: String) throws {
        let fixture = try Fixture(name + "/expected")
        let (model, _) = try model(name)
        let batch = try fixture.sourceTargetBatch()
        let source = try #require(batch.source)
        let encoded = try model.encoder(
            source,
            in: ForwardContext(layout: source.layout),
            wanted: .allWithLayers
        )
        try expectLayers(encoded, fixture, "", count: model.encoder.layerCount)
        let context = ForwardContext(layout: batch.layout)
        let output = try model(batch, in: context, wanted: .allWithLayers)
        try expectLayers(output, fixture, "target.", count: model.layerCount)
        try expectClose(
            model.scores(output.hidden, in: context),
            fixture["target.logits"],
            "logits"
        )
    }

    @Test(arguments: models)
    func `gradients at embeddings and biases equal the reference`(name: String) throws {
        let fixture = try Fixture(name + "/expected")
        let bias = "block.0.layer.0.SelfAttention.relative_attention_bias.weight"
        let (model, leaves) = try model(name, training: ["encoder.\(bias)", "decoder.\(bias)"])
        let batch = try fixture.sourceTargetBatch()
        var adapters = SiteAdapters()
        var expected: [(name: String, leaf: Tensor)] = []
        for (tower, name) in [("encoder", "source"), ("decoder", "embeddings")] {
            let probe = Probe(
                zero: try Tensor(zeros: fixture["target.grad.\(name)"].shape, device: testDevice)
                    .trainable()
            )
            let site = try #require(
                model.sites.embedding.first { $0.site.tower.rawValue == tower }?.site
            )
            adapters.embedding[site] = probe
            expected.append(("target.grad.\(name)", probe.zero))
            expected.append(
                ("target.grad.\(tower)_bias", try #require(leaves["\(tower).\(bias)"]))
            )
        }
        let context = ForwardContext(layout: batch.layout, adapters: adapters)
        let hidden = try model(batch, in: context, wanted: .all).hidden
        let logits = try model.scores(hidden, in: ForwardContext(layout: batch.layout))
        let found = try gradients(
            of: logits,
            seed: fixture["target.w"],
            for: expected.map(\.leaf)
        )
        for (gradient, (name, _)) in zip(found, expected) {
            try expectClose(gradient, fixture[name], name)
        }
    }

    @Test(arguments: models)
    func `the gradient at the encoder's embeddings equals the reference`(name: String) throws {
        let fixture = try Fixture(name + "/expected")
        let (model, _) = try model(name)
        let batch = try fixture.batch()
        let probe = Probe(
            zero: try Tensor(zeros: fixture["grad.embeddings"].shape, device: testDevice)
                .trainable()
        )
        var adapters = SiteAdapters()
        for target in model.encoder.sites.embedding { adapters.embedding[target.site] = probe }
        let hidden = try model.encoder(
            batch,
            in: ForwardContext(layout: batch.layout, adapters: adapters),
            wanted: .all
        ).hidden
        let found = try gradients(of: hidden, seed: fixture["w"], for: [probe.zero])
        try expectClose(found[0], fixture["grad.embeddings"])
    }

    @Test(arguments: models)
    func `wanted tokens alone equal those of all tokens`(name: String) throws {
        let (model, _) = try model(name)
        let batch = try Fixture(name + "/expected").sourceTargetBatch()
        let context = ForwardContext(layout: batch.layout)
        let all = try model(batch, in: context, wanted: .all).hidden
        let chosen: [Int64] = [1, 2, 7, 20, 21, 29]
        let lasts = batch.layout.offsets.dropFirst().map { $0 - 1 }
        for (wanted, places) in [(WantedTokens.last, lasts), (.chosen(chosen), chosen)] {
            let some = try model(batch, in: context, wanted: wanted)
            try expectClose(some.hidden, all.selecting(Tensor(places)), "\(wanted)")
        }
    }

    @Test(arguments: models)
    func `a row does not depend on its neighbours`(name: String) throws {
        let (model, _) = try model(name)
        let fixture = try Fixture(name + "/expected")
        let batch = try fixture.sourceTargetBatch()
        let all = try model(batch, in: ForwardContext(layout: batch.layout), wanted: .all).hidden
        let (sources, targets) = (
            try fixture.rows("ids"), try fixture.rows("target.ids", lengths: "target.lengths")
        )
        for row in sources.indices {
            let one = try SourceTargetBatch(
                source: tokenBatch([sources[row]]),
                target: tokenBatch([targets[row]])
            )
            let found = try model(one, in: ForwardContext(layout: one.layout), wanted: .all)
            let range = Int(batch.layout.offsets[row])..<Int(batch.layout.offsets[row + 1])
            try expectClose(found.hidden, all.narrowed(range), tolerance: 1e-6)
        }
    }

    @Test(arguments: models)
    func `cached keys and values give what a whole pass gives`(name: String) throws {
        let fixture = try Fixture(name + "/expected")
        let (model, _) = try model(name)
        let batch = try fixture.sourceTargetBatch()
        let whole = try model(batch, in: ForwardContext(layout: batch.layout), wanted: .all).hidden
        let rows = try fixture.rows("target.ids", lengths: "target.lengths")
        let sources = try fixture.rows("ids")
        let cache = KeyValueCache(rows: rows.count, capacity: 2)
        // The first token of each row, then up to three more at a time; a row that has ended waits
        // outside.
        var (alive, lengths) = (Array(rows.indices), rows.map { _ in 0 })
        for count in [1, 3, 2, 3] {
            let left = alive.indices.filter { lengths[alive[$0]] < rows[alive[$0]].count }
            try cache.keep(rows: left)
            alive = left.map { alive[$0] }
            let parts = alive.map { Array(rows[$0][lengths[$0]...].prefix(count)) }
            let part = SourceTargetBatch(
                source: cache.isEmpty ? try tokenBatch(alive.map { sources[$0] }) : nil,
                target: try tokenBatch(parts, starts: alive.map { lengths[$0] })
            )
            var context = ForwardContext(layout: part.layout)
            context.cache = cache
            let hidden = try withoutGradients { () throws(TorchError) in
                try model(part, in: context, wanted: .all).hidden
            }
            let places = zip(alive, parts).flatMap { row, tokens in
                tokens.indices.map { batch.layout.offsets[row] + Int64(lengths[row] + $0) }
            }
            try expectClose(hidden, whole.selecting(Tensor(places)), "\(count) tokens")
            for (row, tokens) in zip(alive, parts) { lengths[row] += tokens.count }
        }
        #expect(lengths == rows.map(\.count))
    }

    @Test
    func `a batch of tokens alone is read again by the decoder, one place later`() throws {
        let fixture = try Fixture("t5/v1_1/expected")
        let (model, _) = try model("t5/v1_1")
        let source = try fixture.batch()
        let pairs = try #require(try model.adopted(source))
        let expected = try fixture.rows("ids").flatMap { [model.startToken] + $0.dropLast() }
        #expect(try pairs.target.ids.values() == expected.map(Int64.init))
        #expect(pairs.layout.offsets == source.layout.offsets)
    }
}

/// Adds a zero to the embeddings' output, whose gradient is the gradient there.
private struct Probe: EmbeddingAdapter {
    let zero: Tensor

    func callAsFunction(
        _ embedded: Tensor,
        at site: Site,
        in context: inout ForwardContext
    ) throws(TorchError) -> Tensor { try embedded + zero }
}
