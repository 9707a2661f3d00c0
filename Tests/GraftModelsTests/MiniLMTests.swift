import GraftLayers
import GraftModels
import GraftTestSupport
import GraftText
import GraftTorch
import GraftTraining
import Testing

/// Against `transformers` 4.57.6 on the real weights; the fixture is made by `Tools/reference/minilm.py`.
@Suite(
    "MiniLM against transformers 4.57.6",
    .enabled(if: MiniLM.path != nil, "all-MiniLM-L6-v2 is not in the cache: run `make setup`")
)
struct MiniLMTests {
    @Test
    func `tokens and hidden states equal the reference`() throws {
        let base = try BaseModel(path: try #require(MiniLM.path))
        let fixture = try Fixture("minilm_hidden")
        let texts: [String] = try fixture.json("texts")
        let rows = try texts.map { try base.tokenizer.encode($0, maxLength: 128) }
        #expect(try rows.map(\.ids) == fixture.rows("ids"))
        let batch = try TokenBatch(rows: rows.map { ($0.ids, $0.typeIDs) })
        let output = try withoutGradients { () throws in
            try base.encoder(batch, in: ForwardContext(layout: batch.layout), wanted: .all)
        }
        let found: [Double] = try output.hidden.values()
        let expected: [Double] = try fixture["hidden"].values()
        #expect(output.hidden.shape == (try fixture["hidden"].shape))
        let worst = zip(found, expected).map { abs($0 - $1) }.max()
        #expect(try #require(worst) <= 2e-5)
    }
}
