import GraftLayers
import GraftModels
import GraftTestSupport
import GraftTorch
import Testing

/// Against `generate` of `transformers` 4.57.6; the fixtures are made by `Tools/reference/t5.py`.
@Suite("Generation with T5 against transformers 4.57.6")
struct T5GenerationTests {
    @Test(arguments: T5ParityTests.models, ["greedy", "penalty", "beam", "short"])
    func `sources are answered token for token as the reference does`(
        name: String,
        way: String
    ) throws {
        let fixture = try Fixture(name + "/expected")
        let model = try #require(try referenceModel(name) as? any EncoderDecoder)
        var options = GenerationOptions()
        (options.maxNewTokens, options.endTokens) = (12, [1])
        switch way {
        case "penalty": options.repetitionPenalty = 1.3
        case "beam": options.beams = 3
        case "short": (options.beams, options.lengthPenalty) = (4, 0.5)
        default: break
        }
        let sources = try fixture.rows("ids")
        let expected = try sources.indices.map { row -> [Int32] in
            let tokens: [Int64] = try fixture["\(way).\(row)"].values()
            return tokens.map(Int32.init)
        }
        for usesCache in [true, false] {
            var writer = try TokenWriter(model, options: options)
            writer.usesCache = usesCache
            let found = try writer(sources)
            for (row, tokens) in expected.enumerated() {
                #expect(found[row].tokens == tokens, "row \(row), cache \(usesCache)")
                #expect(found[row].ending == (tokens.last == 1 ? .end : .length))
            }
        }
    }
}
