import GraftLayers
import GraftModels
import GraftTestSupport
import GraftTorch
import Testing

/// Against `transformers` 4.57.6; the fixtures' files are made by `Tools/reference/bert.py`.
@Suite("BERT against transformers 4.57.6")
struct BertParityTests {
    static let models = [
        ("h16", "h16"), ("h24", "h24"), ("h16_sharded", "h16"), ("h16_masked_lm", "h16"),
    ]

    @Test(arguments: models)
    func `every layer equals the reference`(model: String, expected: String) throws {
        let fixture = try Fixture("bert/\(expected)/expected")
        let encoder = try referenceEncoder(model)
        let batch = try fixture.batch()
        let output = try encoder(
            batch,
            in: ForwardContext(layout: batch.layout),
            wanted: .allWithLayers
        )
        #expect(output.layers.count == encoder.shape.layerCount + 1)
        for (index, layer) in output.layers.enumerated() {
            try expectClose(layer, fixture["hidden.\(index)"], "hidden.\(index)")
        }
        try expectIdentical(output.hidden, try #require(output.layers.last))
        if model == "h16_masked_lm" {
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
        let fixture = try Fixture("bert/\(expected)/expected")
        let encoder = try referenceEncoder(model)
        let batch = try fixture.batch()
        let probe = try Probe(at: fixture["grad.embeddings"].shape)
        var adapters = SiteAdapters()
        adapters.norm[Site(.encoder, layer: nil, .embeddingNorm)] = probe
        let output = try encoder(
            batch,
            in: ForwardContext(layout: batch.layout, adapters: adapters),
            wanted: .all
        )
        let gradient = try gradients(of: output.hidden, seed: fixture["w"], for: [probe.zero])
        try expectClose(gradient[0], fixture["grad.embeddings"])
    }

    @Test(arguments: ["h16", "h24"])
    func `first tokens alone equal the first of all tokens`(model: String) throws {
        let encoder = try referenceEncoder(model)
        let batch = try Fixture("bert/\(model)/expected").batch()
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
        try expectClose(
            try #require(try first.pooled()),
            try #require(try all.pooled()),
            tolerance: 1e-6
        )
    }

    @Test
    func `a row does not depend on its neighbours`() throws {
        let encoder = try referenceEncoder()
        let fixture = try Fixture("bert/h16/expected")
        let batch = try fixture.batch()
        let together = try encoder(batch, in: ForwardContext(layout: batch.layout), wanted: .all)
        let (ids, types) = (try fixture.rows("ids"), try fixture.rows("type_ids"))
        for row in ids.indices {
            let alone = try TokenBatch(rows: [(ids[row], types[row])])
            let output = try encoder(alone, in: ForwardContext(layout: alone.layout), wanted: .all)
            let range = Int(batch.layout.offsets[row])..<Int(batch.layout.offsets[row + 1])
            try expectClose(output.hidden, together.hidden.narrowed(range), tolerance: 1e-6)
        }
    }
}

/// A norm with a zero added to its output, whose gradient is the gradient there.
private struct Probe: NormAdapter {
    let zero: Tensor

    init(at shape: [Int]) throws { zero = try Tensor(zeros: shape).trainable() }

    func replacing(_ norm: any AffineNormalization) -> any Normalization {
        Probed(norm: norm, zero: zero)
    }

    private struct Probed: Normalization {
        let norm: any Normalization
        let zero: Tensor

        func callAsFunction(_ x: Tensor) throws(TorchError) -> Tensor { try norm(x) + zero }
    }
}
