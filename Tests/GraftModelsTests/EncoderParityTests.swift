import GraftLayers
import GraftModels
import GraftTestSupport
import GraftTorch
import Testing

/// Against `transformers` 4.57.6; the fixtures are made by `Tools/reference/bert.py`, `encoders.py` and `vision.py`.
@Suite("Encoders against transformers 4.57.6")
struct EncoderParityTests {
    static let shapes = TinyFamily.encoders.flatMap(\.shapes)

    /// Other layouts of a model, by the folder of their fixture.
    static let models =
        shapes.map { ($0, $0) } + [
            ("bert/h16_sharded", "bert/h16"), ("bert/h16_masked_lm", "bert/h16"),
        ]

    @Test(arguments: TinyFamily.all)
    func `every family has tiny models of two shapes`(family: TinyFamily) {
        #expect(family.shapes.count >= 2)
        #expect(family.shapes.first?.hasPrefix(family.name + "/") == true)
    }

    @Test(arguments: models)
    func `every layer equals the reference`(model: String, expected: String) throws {
        let fixture = try Fixture("\(expected)/expected")
        let encoder = try referenceTower(model)
        let batch = try fixture.batch(for: encoder)
        let output = try encoder(
            batch,
            in: ForwardContext(layout: batch.layout),
            wanted: .allWithLayers
        )
        #expect(output.layers.count == encoder.shape.layerCount + 1)
        for (index, layer) in output.layers.enumerated() {
            try expectClose(layer, fixture["hidden.\(index)"], "hidden.\(index)")
        }
        if let last = fixture.tensors["last"] {
            // A norm of the whole model follows the last block.
            try expectClose(output.hidden, last, "last")
        } else {
            try expectIdentical(output.hidden, try #require(output.layers.last))
        }
        let isWithoutPooler = model == "bert/h16_masked_lm" || fixture.tensors["pooled"] == nil
        #expect(encoder.shape.hasPooler != isWithoutPooler)
        if isWithoutPooler {
            #expect(try output.pooled() == nil)
        } else {
            try expectClose(try #require(try output.pooled()), fixture["pooled"], "pooled")
        }
    }

    @Test(arguments: models)
    func `the gradient at the embeddings equals the reference`(
        model: String,
        expected: String
    ) throws {
        let fixture = try Fixture("\(expected)/expected")
        let encoder = try referenceTower(model)
        let batch = try fixture.batch(for: encoder)
        let probe = try Probe(at: fixture["grad.embeddings"].shape)
        var adapters = SiteAdapters()
        for target in encoder.sites.embedding { adapters.embedding[target.site] = probe }
        let output = try encoder(
            batch,
            in: ForwardContext(layout: batch.layout, adapters: adapters),
            wanted: .all
        )
        let gradient = try gradients(of: output.hidden, seed: fixture["w"], for: [probe.zero])
        try expectClose(gradient[0], fixture["grad.embeddings"])
    }

    @Test(arguments: shapes)
    func `first tokens alone equal the first of all tokens`(model: String) throws {
        let encoder = try referenceTower(model)
        let batch = try Fixture("\(model)/expected").batch(for: encoder)
        let context = ForwardContext(layout: batch.layout)
        let all = try encoder(batch, in: context, wanted: .all)
        let first = try encoder(batch, in: context, wanted: .first)
        #expect(first.layout.rowCount == batch.layout.rowCount)
        #expect(first.layout.tokenCount == batch.layout.rowCount)
        // Matrix products of other shapes may round differently, hence not bit-equal.
        try expectClose(
            first.hidden,
            batch.layout.firstTokens(of: all.hidden),
            tolerance: 1e-6
        )
        guard encoder.shape.hasPooler else { return }
        try expectClose(
            try #require(try first.pooled()),
            try #require(try all.pooled()),
            tolerance: 1e-6
        )
    }

    @Test(arguments: shapes)
    func `a row does not depend on its neighbours`(model: String) throws {
        let encoder = try referenceTower(model)
        let fixture = try Fixture("\(model)/expected")
        let batch = try fixture.batch(for: encoder)
        let together = try encoder(batch, in: ForwardContext(layout: batch.layout), wanted: .all)
        for row in 0..<batch.layout.rowCount {
            let alone = try fixture.batch(for: encoder, row: row)
            let output = try encoder(alone, in: ForwardContext(layout: alone.layout), wanted: .all)
            let range = Int(batch.layout.offsets[row])..<Int(batch.layout.offsets[row + 1])
            try expectClose(output.hidden, together.hidden.narrowed(range), tolerance: 1e-6)
        }
    }
}

/// Adds a zero to the embeddings' output, whose gradient is the gradient there.
private struct Probe: EmbeddingAdapter {
    let zero: Tensor

    init(at shape: [Int]) throws { zero = try Tensor(zeros: shape, device: testDevice).trainable() }

    func callAsFunction(
        _ embedded: Tensor,
        at site: Site,
        in context: inout ForwardContext
    ) throws(TorchError) -> Tensor { try embedded + zero }
}
